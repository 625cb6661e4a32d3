"""Where an engine takes what is known of files from: commands from the database, workers from the keeper's file."""

import os
from typing import Protocol

from tamis.attachments.known import KnownFiles
from tamis.attachments.known_file import KnownFilesError, known_path, read
from tamis.changed_file import FileStamp, file_stamp
from tamis.config import Config


class KnownSource(Protocol):
    """Says what is known of files."""

    def fresh(self) -> KnownFiles | None:
        """Return what is known, None while it is what it was. Raises SQLAlchemyError, OSError or ValueError."""
        ...


class DatabaseFiles:
    """What is known as it is in the database now, read into memory."""

    def __init__(self, config: Config) -> None:
        self._url = config.database_url
        self._versions = (0, 0)

    def fresh(self) -> KnownFiles | None:
        from tamis.attachments.store import FileStore

        store = FileStore(self._url)
        versions = store.versions()
        if versions == self._versions:
            return None
        known = store.columns().known()
        self._versions = versions
        return known


class MappedFiles:
    """What the keeper has last written, in memory that all workers share. Before it has, nothing is known."""

    def __init__(self, config: Config) -> None:
        self._path = known_path(config)
        self._taken: FileStamp | None = None
        self._bad: FileStamp | None = None

    def fresh(self) -> KnownFiles | None:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return None
        with file:
            stamp = file_stamp(os.fstat(file.fileno()))
            if stamp in (self._taken, self._bad):
                return None
            try:
                known = read(file)
            except KnownFilesError:
                self._bad = stamp
                raise
        self._taken = stamp
        return known
