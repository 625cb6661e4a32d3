"""What workers have seen of outgoing mail and of reports of failure, on its way to the keeper (SPEC, row 7).

Workers write no SQL, and nothing of it may be lost while the database is away. So each writes a file of what it has
seen in the last half a second into a folder of the state directory, and the keeper takes the files up. A file that is
taken up twice, because the keeper died in between, changes nothing.
"""

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from tamis import limits
from tamis.config import Config

_log: Final = logging.getLogger("tamis")
_DONE: Final = ".json"


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """Outgoing mail, by our id of it: who sent it to whom, and the digests of its Message-ID and ENVID."""

    id: str
    at: float
    domain: str
    message_key: str
    envelope_key: str
    recipients: tuple[str, ...]


class Undelivered(msgspec.Struct, frozen=True, tag="undelivered"):
    """A report of failure, by our id of it. No recipients: all of the message's."""

    id: str
    at: float
    keys: tuple[str, ...]
    recipients: tuple[str, ...]


Event = Sent | Undelivered


def journal_folder(config: Config) -> Path:
    """Return where workers leave the files and the keeper looks for them."""
    return config.state_directory / "sent"


class Journal:
    """What one process has seen. `note` may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events: list[Event] = []
        self._noting = threading.Lock()
        self._writing = threading.Lock()
        self._number = 0
        self._full = False

    def note(self, event: Event) -> None:
        """Remember an event until the next `flush`."""
        with self._noting:
            if len(self._events) < limits.JOURNAL_EVENTS:
                self._events.append(event)

    def flush(self) -> None:
        """Write what was noted, as a file that appears at once or not at all. Raises OSError: then it is kept."""
        with self._writing:
            with self._noting:
                events, self._events = self._events, []
            if not events:
                return
            try:
                if self._has_room():
                    self._write(msgspec.json.encode(events))
            except OSError:
                with self._noting:
                    self._events = (events + self._events)[: limits.JOURNAL_EVENTS]
                raise

    def _has_room(self) -> bool:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        full = sum(1 for _ in os.scandir(self._folder)) >= limits.JOURNAL_FILES
        if full and not self._full:
            _log.error("outgoing mail is not learned from: nobody takes up %s", self._folder)
        self._full = full
        return not full

    def _write(self, content: bytes) -> None:
        name = f"{os.getpid()}-{self._number}"
        new = self._folder / f"{name}.new"
        new.write_bytes(content)
        # The time it was written goes before, so that files are taken up in their order.
        new.replace(self._folder / f"{new.stat().st_mtime_ns:020}-{name}{_DONE}")
        self._number += 1


def written(folder: Path) -> Iterator[tuple[Path, list[Event]]]:
    """Yield the files that are complete, the oldest first, with what is in them. One that cannot be read is removed."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(_DONE))
    except FileNotFoundError:
        return
    for name in names:
        path = folder / name
        try:
            yield path, msgspec.json.decode(path.read_bytes(), type=list[Event])
        except msgspec.DecodeError as error:
            _log.error("what was seen of outgoing mail is lost: %s: %s", path, error)
            path.unlink(missing_ok=True)
