"""One message of a process is computed at a time, and who waits lets the others.

Threads that all have work to do take the interpreter from each other every five milliseconds, about as long as a
message takes: with thirty at it none is ready before all nearly are, and what each has in the processor's caches is
gone when its turn comes again. Measured in docs/performance.md.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PATIENCE: Final = 0.5
"""Seconds after which a message no longer waits for another: something waits there that lets nobody."""


class _Mine(threading.local):
    turn = False


_turn: Final = threading.Lock()
_mine: Final = _Mine()


@contextmanager
def taken() -> Iterator[None]:
    """Wait for the others, and compute."""
    _take()
    try:
        yield
    finally:
        _give()


@contextmanager
def given() -> Iterator[None]:
    """Let others compute while this thread waits for something; nothing happens where it has no turn."""
    if not _mine.turn:
        yield
        return
    _give()
    try:
        yield
    finally:
        _take()


def _take() -> None:
    _mine.turn = _turn.acquire(timeout=_PATIENCE)


def _give() -> None:
    if _mine.turn:
        _mine.turn = False
        _turn.release()
