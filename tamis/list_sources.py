"""Where an engine takes the lists from: commands from the database, workers from the keeper's snapshot."""

from typing import Protocol

from tamis.changed_file import ChangedFile
from tamis.config import Config
from tamis.list_store import ListStore, configured_entries
from tamis.lists import Lists
from tamis.snapshot import MappedLists, StoredLists, snapshot_path


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
        self._file = ChangedFile(snapshot_path(config))

    def fresh(self) -> Lists | None:
        stored = self._file.fresh(StoredLists)
        return None if stored is None else MappedLists(self._configured, stored)
