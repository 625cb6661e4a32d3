"""What the daemon asks of the operating system about processes."""

import ctypes
import os
import signal
import time
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_libc: Final = ctypes.CDLL(None, use_errno=True)


def name_process(name: str) -> None:
    """Name this process as ps(1) shows it; the kernel keeps 15 octets."""
    _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def signal_when_parent_dies(number: int, parent: int) -> None:
    """Ask for a signal when the parent dies, and send it to oneself where that has already happened."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def how_it_ended(status: int) -> str:
    """Put the wait status of a process into words."""
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit status {os.waitstatus_to_exitcode(status)}"


class BackOff:
    """How long to wait before something that died is started again: ever longer while it dies young."""

    def __init__(self, first: float = 0.1, longest: float = 30.0, young: float = 10.0) -> None:
        self._first, self._longest, self._young = first, longest, young
        self._deaths = 0

    def delay(self, lived: float) -> float:
        """Return the seconds to wait after a death."""
        self._deaths = self._deaths + 1 if lived < self._young else 1
        return float(min(self._longest, self._first * 2 ** min(self._deaths - 1, 20)))


def reap(pid: int) -> int | None:
    """Return the wait status of a child that has ended, None while it lives."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return status if ended else None


def wait_for_end(pid: int, seconds: float) -> bool:
    """Wait for a child to end; False when it did not in time."""
    deadline = time.monotonic() + seconds
    while reap(pid) is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True
