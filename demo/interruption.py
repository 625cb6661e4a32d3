"""Ctrl-C and its like end the demo where they are welcome, and wait while something is started or stopped.

What is half started, nobody could stop; what is half stopped, would stay behind.
"""

import atexit
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def _ignore() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class Interruption:
    """The first of the signals ends the program with 128 and its number; later ones change nothing."""

    def __init__(self) -> None:
        self._came = 0
        self._welcome = False
        for number in _SIGNALS:
            # Under nohup, a signal is ignored and stays so.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._take)
        # Python gives signals back to the system before it has ended, and one more would kill it then.
        atexit.register(_ignore)

    @contextmanager
    def welcome(self) -> Iterator[None]:
        """End the program at once, inside the block, where a signal comes or has come before."""
        self._welcome = True
        try:
            self._end()
            yield
        finally:
            self._welcome = False

    def _take(self, number: int, _: FrameType | None) -> None:
        if not self._came:
            self._came = number
            if self._welcome:
                self._end()

    def _end(self) -> None:
        if self._came:
            sys.exit(128 + self._came)
