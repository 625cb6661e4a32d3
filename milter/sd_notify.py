"""Talking to systemd: readiness, status and the watchdog (sd_notify(3)). Silent where nobody listens."""

import os
import socket
import time
from collections.abc import MutableMapping


class Notifier:
    """Sends datagrams to the socket that NOTIFY_SOCKET names; `watchdog_seconds` is how often to call `alive`."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        # Taken out, so that no child speaks to systemd in our name.
        self._address = environment.pop("NOTIFY_SOCKET", "")
        self.watchdog_seconds = _watchdog_seconds(environment)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=finishing the messages under way")

    def status(self, status: str) -> None:
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the NUL of an abstract socket.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(1.0)
                sender.sendto(text.encode(), address)
        except OSError:
            # Whoever started us has gone, or is busy: no reason to stop filtering mail.
            return


def _watchdog_seconds(environment: MutableMapping[str, str]) -> float | None:
    """Half of the time after which systemd takes us for dead, None when it does not watch this process."""
    microseconds = environment.pop("WATCHDOG_USEC", "")
    pid = environment.pop("WATCHDOG_PID", str(os.getpid()))
    if pid != str(os.getpid()) or not microseconds.isdigit() or int(microseconds) == 0:
        return None
    return int(microseconds) / 2_000_000
