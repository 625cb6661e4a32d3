"""Decisions on their way from a worker to the keeper: a file that each worker appends to, one line for each.

A line is one `write()`, so what a worker has decided outlives its death; only a power cut may cost the last seconds.
The file is locked while its worker lives. Closed, or without its worker, it is taken up by the keeper. While the
database is away files wait, up to a number of octets; what comes then is counted, and not kept.
"""

import fcntl
import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tamis import limits
from tamis.config import Config
from tamis.history.decided import Decided, encode

_log: Final = logging.getLogger("tamis")
OPEN: Final = ".open"
CLOSED: Final = ".jsonl"
_LEAST_SECONDS: Final = 1.0
"""So long at least a file is written to before the keeper gets it."""
_DROPPED: Final = re.compile(rb'\{"dropped":([0-9]{1,18})\}')


def journal_folder(config: Config) -> Path:
    """Return where workers leave decisions and the keeper looks for them."""
    return config.state_directory / "history"


def waiting(folder: Path) -> tuple[int, int]:
    """Return how many files wait for the keeper or are being written, and their octets."""
    files, octets = 0, 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                octets += entry.stat(follow_symlinks=False).st_size
                files += 1
    return files, octets


class HistoryJournal:
    """The decisions of one worker. `note` may be called from any thread, and never raises."""

    def __init__(self, folder: Path, room: int) -> None:
        """`room`: octets that all files of the folder may take."""
        self._folder = folder
        self._room = room
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._path = folder
        self._began = 0.0
        self._written = 0
        self._number = 0
        self._full = False
        self.dropped = 0
        """Decisions that were not kept, in all."""
        self._dropped_unsaid = 0

    def note(self, one: Decided) -> None:
        """Append a decision; where that cannot be done it is counted."""
        try:
            line = encode(one) + b"\n"
        except Exception:  # Nothing that is kept for later is worth a message.
            _log.exception("a decision cannot be kept", extra={"fields": {"id": one.id}})
            line = b""
        with self._lock:
            try:
                if line and not self._full:
                    self._append(line)
                    return
            except OSError as error:
                self._fill(f"{error.strerror or error}")
            self.dropped += 1
            self._dropped_unsaid += 1

    def _append(self, line: bytes) -> None:
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None
        if os.write(self._descriptor, line) < len(line):
            # Half a line would spoil the next one.
            os.ftruncate(self._descriptor, self._written)
            raise OSError("the disk is full")
        self._written += len(line)

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        # The time goes before, so that files are taken up in their order.
        self._path = self._folder / f"{time.time_ns():020}-{os.getpid()}-{self._number}{OPEN}"
        self._number += 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._descriptor, self._began, self._written = descriptor, time.monotonic(), 0

    def _fill(self, why: str) -> None:
        if not self._full:
            _log.error("decisions are not kept in the history", extra={"fields": {"why": why, "in": str(self._folder)}})
        self._full = True

    def flush(self, leaving: bool = False) -> None:
        """Hand what was written to the keeper, when that is due; at once where the worker is `leaving`.

        Called from time to time. Never raises.
        """
        try:
            number, octets = waiting(self._folder)
            with self._lock:
                if octets >= self._room:
                    self._fill("nobody takes them up, and there are too many")
                else:
                    self._go_on()
                if self._descriptor is not None and (leaving or self._due(number)):
                    self._close()
        except OSError as error:
            with self._lock:
                self._fill(f"{error.strerror or error}")

    def _go_on(self) -> None:
        """Say in the journal what was not kept: that it can be written shows that there is room again."""
        if self._dropped_unsaid:
            self._append(b'{"dropped":%d}\n' % self._dropped_unsaid)
            _log.info("decisions are kept in the history again", extra={"fields": {"lost": self._dropped_unsaid}})
        self._dropped_unsaid, self._full = 0, False

    def _due(self, files: int) -> bool:
        if time.monotonic() - self._began < _LEAST_SECONDS or not self._written:
            return False
        return files <= limits.HISTORY_FILES or self._written >= limits.HISTORY_FILE_BYTES

    def _close(self) -> None:
        assert self._descriptor is not None
        try:
            self._path.rename(self._path.with_suffix(CLOSED))
        finally:
            os.close(self._descriptor)
            self._descriptor = None


def files(folder: Path) -> Iterator[Path]:
    """Yield the files that nobody writes to any more, the oldest first."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        path = folder / name
        if name.endswith(CLOSED) or (name.endswith(OPEN) and _left(path)):
            yield path


def _left(path: Path) -> bool:
    """Whether the worker that wrote a file has died."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A worker that was about to lock it has renamed or locked it by the next look.
        return time.time() - os.fstat(descriptor).st_mtime > _LEAST_SECONDS
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def dropped(line: bytes) -> int | None:
    """Return how many decisions a line says were not kept; None for a line that is a decision."""
    found = _DROPPED.fullmatch(line.strip())
    return int(found[1]) if found else None
