"""The pool of readers: a process that forks them, kills who takes too long, and replaces who has ended.

It is started as a program of its own (`tamis.images.pool_process`), since a process with threads must not fork, and so
that what decodes strangers' images holds nothing of ours in its memory. It loads the libraries once for all readers.
It inherits a listening socket, and the writing end of a pipe, by which it shows that it lives; once nobody reads that,
it ends.
"""

import contextlib
import os
import select
import signal
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pytesseract

from tamis.images.pool_settings import PoolSettings
from tamis.images.reader import PULSE, Reader

_LOOK_SECONDS: Final = 0.25
_STARTS_SECONDS: Final = 10.0
"""A reader that has not said anything after this time never will."""
_PAUSE_SECONDS: Final = 0.05
"""Between the end of a reader and its successor: one that cannot work must not take all the processor's time."""


@dataclass
class _Child:
    """A reader: its pipe, and the moment by which it must have written to it again."""

    pid: int
    pulse: int
    due: float
    folder: Path


class Pool:
    """Use once, in a process without threads."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._listener = socket.socket(fileno=settings.listener)
        self._listener.setblocking(False)
        self._children: list[_Child] = []
        self._stopped = False

    def run(self) -> int:
        """Serve until SIGTERM, or until whoever started it has gone."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.set_blocking(self._settings.alive, False)
        for number in range(self._settings.readers):
            self._fork(number)
        while not self._stopped and self._say_alive():
            with contextlib.suppress(InterruptedError):
                select.select([child.pulse for child in self._children], (), (), _LOOK_SECONDS)
            self._check()
        for child in self._children:
            _kill(child)
        return 0

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def _say_alive(self) -> bool:
        try:
            os.write(self._settings.alive, b".")
        except BlockingIOError:
            pass  # Nobody has read for long; that is not our business.
        except BrokenPipeError:
            return False
        return True

    def _fork(self, number: int) -> None:
        folder = Path(self._settings.folder) / str(number)
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        pool = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_reader(writing, folder, pool)
        os.close(writing)
        self._children.append(_Child(pid, reading, time.monotonic() + _STARTS_SECONDS, folder))

    def _be_reader(self, pulse: int, folder: Path, pool: int) -> NoReturn:
        status = 1
        try:
            # A group of its own, so that tesseract is killed with it.
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.close(self._settings.alive)
            _use_folder(folder)
            pytesseract.pytesseract.tesseract_cmd = self._settings.tesseract
            Reader(self._listener, pulse, self._settings.languages, pool).run()
            status = 0
        finally:
            os._exit(status)

    def _check(self) -> None:
        """Hear who lives, kill who is late, and replace who has ended."""
        now = time.monotonic()
        for child in list(self._children):
            with contextlib.suppress(BlockingIOError):
                heard = os.read(child.pulse, 64 * PULSE.size)
                if len(heard) >= PULSE.size:
                    child.due = PULSE.unpack(heard[-PULSE.size :])[0]
            if now > child.due:
                _kill(child)
            if os.waitpid(child.pid, os.WNOHANG)[0]:
                _kill(child)
                os.close(child.pulse)
                self._children.remove(child)
                time.sleep(_PAUSE_SECONDS)
                self._fork(int(child.folder.name))


def _kill(child: _Child) -> None:
    """Kill a reader, and the tesseract that it may have started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _use_folder(folder: Path) -> None:
    """Have temporary files written there, and begin without those of a reader that died."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink(missing_ok=True)
    tempfile.tempdir = str(folder)
