"""The keeper's task that writes the snapshot of the lists when they have changed."""

import logging
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy.exc import SQLAlchemyError

from tamis.changed_file import FileStamp, file_stamp
from tamis.config import Config
from tamis.database import first_line, name_of
from tamis.list_store import ListStore
from tamis.snapshot import SnapshotError, StoredLists, snapshot_path
from tamis.snapshot_writer import LISTS, Row, write

_log: Final = logging.getLogger("tamis")


class Source(Protocol):
    """What a snapshot is written of."""

    def version(self) -> int:
        """Return a number that changes whenever an entry does; 0 where there are no tables."""
        ...

    def rows(self) -> Iterable[Row]:
        """Yield all entries."""
        ...


class ListsNotRead(Exception):
    """The database does not say what the lists are; the text says why, in one line."""


class SnapshotTask:
    """Compares the version number in the database with that of what it wrote last.

    The first time it always writes: a number alone does not tell a database from its own backup.
    """

    def __init__(
        self,
        config: Config,
        store: Source | None = None,
        path: Path | None = None,
        names: Collection[str] = LISTS,
        what: str = "lists",
    ) -> None:
        """Without `store` and `path` those of the lists; `names` are the lists that there may be in it, `what` names
        all of them together to a person."""
        self._store = store or ListStore(config.database_url)
        self._database = name_of(config.database_url)
        self._path = path or snapshot_path(config)
        self._names = names
        self._what = what
        self._written: tuple[int, FileStamp] | None = None
        self._left_out = 0

    def run(self) -> None:
        """Write a snapshot where it is not that of the database. Raises `ListsNotRead`."""
        try:
            version = self._store.version()
            if self._written != (version, _stamp(self._path)):
                self._write(version)
        except (SQLAlchemyError, OSError, ValueError) as error:
            self._written = None
            instead = f"the last good {self._what} stay" if self._path.exists() else "there are none yet"
            raise ListsNotRead(f"{instead}: {first_line(error)}") from error

    def _write(self, version: int) -> None:
        if version == 0:
            self._doubt()
        left_out = write(self._path, self._store.rows() if version else (), version, self._database, self._names)
        self._written = (version, file_stamp(self._path.stat()))
        if left_out not in (0, self._left_out):
            _log.warning("list entries that make no sense to this version are left out: %d", left_out)
        self._left_out = left_out

    def _doubt(self) -> None:
        """Raise ListsNotRead where a database without lists once had some: it is rather away than empty."""
        try:
            with self._path.open("rb") as file:
                last = StoredLists(file).header
        except (OSError, SnapshotError):
            return
        if last.version and last.database == self._database:
            raise SnapshotError(
                f"the database {self._database} has no {self._what} any more; to begin anew, remove {self._path}"
            )


def _stamp(path: Path) -> FileStamp | None:
    try:
        return file_stamp(path.stat())
    except FileNotFoundError:
        return None
