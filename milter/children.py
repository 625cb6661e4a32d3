"""A child of the supervisor: how it is forked, what it does first, and what its parent knows of it.

All children understand the same two signals. SIGUSR1: retire, another has taken over. SIGUSR2: finish, the daemon
stops. All others that stop a process are ignored: they are for the supervisor, which knows what comes before what.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from tamis.milter import log
from tamis.milter.process import name_process, reap, signal_when_parent_dies

RETIRE: Final = signal.SIGUSR1
FINISH: Final = signal.SIGUSR2
SIGNALS: Final = (RETIRE, FINISH)
_IGNORED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass
class Child:
    """A child process. `ready` once it has said, through its pipe, that it does its work."""

    pid: int
    ready_pipe: int
    started: float
    ready: bool = False

    def poll(self) -> int | None:
        """Notice whether it is ready; return its wait status when it has ended, None while it lives."""
        status = reap(self.pid)
        if not self.ready:
            with contextlib.suppress(BlockingIOError):
                self.ready = os.read(self.ready_pipe, 1) == b"1"
        if status is not None:
            os.close(self.ready_pipe)
        return status

    @property
    def age(self) -> float:
        """Seconds since it was forked."""
        return time.monotonic() - self.started

    def tell(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


def fork(run: Callable[[int, int], NoReturn]) -> Child:
    """Fork a process that calls `run` with the descriptor to say by that it is ready, and the parent's pid.

    Raises OSError where the system has no room for one.
    """
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if pid == 0:
        os.close(reading)
        run(writing, parent)
    os.close(writing)
    return Child(pid, reading, time.monotonic())


def begin(name: str, parent: int) -> None:
    """What every child does first. `name` is how ps(1) and top(1) show it."""
    name_process(name)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    # In every thread: what is blocked before a thread starts is blocked in it.
    signal.pthread_sigmask(signal.SIG_SETMASK, SIGNALS)
    signal_when_parent_dies(FINISH, parent)
    _log_what_nobody_catches()


def say_ready(pipe: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(pipe, b"1")
    os.close(pipe)


def _log_what_nobody_catches() -> None:
    """Log as one line what Python would print as a traceback: pymilter's own failures, those of threads."""
    sys.excepthook = lambda _, error, __: log.failure("a callback was left out", error)
    threading.excepthook = lambda given: log.failure("a thread ended", given.exc_value or SystemExit())
