"""Free ports on loopback, and waiting until something listens."""

import socket
import time


def free_ports(count: int) -> list[int]:
    """Return distinct free ports of 127.0.0.1; all are held until all are known."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def listening(port: int) -> bool:
    """Whether something accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(2.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_listening(port: int, timeout: float) -> bool:
    """Wait until something listens on a loopback port; False when nothing did in time."""
    deadline = time.monotonic() + timeout
    while not listening(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
