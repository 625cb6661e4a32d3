"""Mail that passed while no scanner answered, kept to be scanned once one does: a folder of files, one a message.

A file is a line of JSON that says whose it was, then what the scanner would have been shown. It is a second look and
no promise: files are not made durable, and where there is no more room for them none is kept.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tamis import limits
from tamis.mail import Mail
from tamis.scanners import shown

_log: Final = logging.getLogger("tamis")
_MEASURE_SECONDS: Final = 5.0
_UNFINISHED: Final = ".part"


class Facts(msgspec.Struct, frozen=True):
    """Which message it is, and the stages that have not scanned it."""

    id: str
    queue_id: str
    message_id: str
    peer: str
    sender: str
    recipients: list[str]
    stages: list[int]


class Unscanned:
    """The folder of a machine. `most` octets are kept in it, about; 0 keeps nothing."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self._most = most
        self._lock = threading.Lock()
        self._measured_at = 0.0
        self._size = 0
        self._full_said = False

    def keep(self, mail: Mail, stages: Sequence[int]) -> None:
        """Keep a message, where there is room. A failure of the disk is said in the log."""
        try:
            if self._most and self._room(mail.message.size):
                self._write(mail, stages)
        except OSError as error:
            fields = {"id": mail.id, "why": str(error)}
            _log.warning("a message that passed is not kept to be scanned", extra={"fields": fields})

    def _write(self, mail: Mail, stages: Sequence[int]) -> None:
        facts = Facts(
            id=mail.id,
            queue_id=_clean(mail.queue_id),
            message_id=_clean(mail.message.header("message-id") or ""),
            peer=str(mail.peer or ""),
            sender=_clean(mail.mail_from),
            recipients=list(map(_clean, mail.rcpt_to)),
            stages=list(stages),
        )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{mail.id}{_UNFINISHED}"
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.json.encode(facts) + b"\n")
                file.writelines(shown.pieces(mail.message))
            path.rename(path.with_suffix(""))
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def waiting(self) -> list[Path]:
        """Return the files, the oldest first. Raises `OSError`."""
        return [path for _, _, path in sorted(self._files())]

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield time, size and path of each file."""
        if not self.folder.exists():
            return
        for path in self.folder.iterdir():
            # The keeper removes what it has scanned.
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if path.suffix != _UNFINISHED:
                    yield status.st_mtime, status.st_size, path

    def sweep(self) -> None:
        """Remove what a process that died has left unfinished."""
        for path in self.folder.glob(f"*{_UNFINISHED}"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < time.time() - 3600:
                    path.unlink()

    def _room(self, size: int) -> bool:
        with self._lock:
            if time.monotonic() - self._measured_at > _MEASURE_SECONDS:
                self._measured_at = time.monotonic()
                self._size = sum(size for _, size, _ in self._files())
            full = self._size + size > self._most
            if full and not self._full_said:
                _log.warning("no room to keep mail that passes unscanned", extra={"fields": {"octets": self._size}})
            self._full_said = full
            self._size += 0 if full else size
            return not full


def read_facts(path: Path) -> Facts:
    """Raises `OSError`, or `msgspec.DecodeError` for what is not ours."""
    with path.open("rb") as file:
        return msgspec.json.decode(file.readline(limits.MIB), type=Facts)


def read_pieces(path: Path) -> Iterator[bytes]:
    """Yield what a scanner is shown. Raises `OSError`."""
    with path.open("rb") as file:
        file.readline(limits.MIB)
        while piece := file.read(limits.MIB):
            yield piece


def _clean(text: str) -> str:
    """Return wire data as JSON takes it."""
    return text[:1000].encode("utf-8", "replace").decode()
