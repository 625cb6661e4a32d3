"""Where an engine takes the lists from: commands from the database, workers from the keeper's snapshot."""

import os
from typing import Protocol

from tamis.config import Config
from tamis.list_store import ListStore, configured_entries
from tamis.lists import Lists
from tamis.snapshot import MappedLists, SnapshotError, StoredLists, snapshot_path

FileStamp = tuple[int, int, int]


def file_stamp(status: os.stat_result) -> FileStamp:
    """Return what tells a file from the one that was in its place before."""
    return status.st_ino, status.st_mtime_ns, status.st_size


class ListSource(Protocol):
    """Says what the lists are, those of the configuration file among them."""

    def fresh(self) -> Lists | None:
        """Return the lists, None while they are what they were. Raises SQLAlchemyError, OSError or ValueError."""
        ...


class DatabaseLists:
    """The lists as they are in the database now, read into memory."""

    def __init__(self, config: Config) -> None:
        self._configured = configured_entries(config)
        self._store = ListStore(config.database_url)
        self._version = -1

    def fresh(self) -> Lists | None:
        version = self._store.version()
        if version == self._version:
            return None
        lists = Lists([*self._configured, *self._store.entries()])
        self._version = version
        return lists


class SnapshotLists:
    """The lists as the keeper has last written them, in memory that all workers share."""

    def __init__(self, config: Config) -> None:
        self._configured = configured_entries(config)
        self._path = snapshot_path(config)
        self._taken: FileStamp | None = None
        self._bad: tuple[FileStamp, str] | None = None

    def fresh(self) -> Lists | None:
        with self._path.open("rb") as file:
            stamp = file_stamp(os.fstat(file.fileno()))
            if stamp == self._taken:
                return None
            if self._bad is not None and stamp == self._bad[0]:
                raise SnapshotError(self._bad[1])  # Without reading all of it again and again.
            try:
                stored = StoredLists(file)
            except SnapshotError as error:
                self._bad = (stamp, str(error))
                raise
        self._taken = stamp
        return MappedLists(self._configured, stored)
