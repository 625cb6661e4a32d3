"""Lists kept by command: who added what, when, and until when; and the entries written in the configuration."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert, or_, select, update

from tamis import schema
from tamis.config import Config
from tamis.database import LIST_ENTRY, VERSION, open_database, sqlite_file
from tamis.list_rows import check_owner, checked, put, take_away
from tamis.lists import CONFIGURED, PLATFORM, Entry, ListName, normalise_value
from tamis.resting import Stamp, stamp_of
from tamis.settings import PlatformLists
from tamis.snapshot_writer import Row

_LISTS: Final = "lists"
_ADDED_BY: Final = "added by "
_AT_ONCE: Final = 5000
"""Rows fetched at once where all are read."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its history. Times are UTC."""

    entry: Entry
    added_by: str
    added_at: datetime | None
    """None for what is written in the configuration file."""
    note: str


def configured_entries(config: Config) -> list[Entry]:
    """Return the entries written in the configuration file, of the platform and of each domain."""
    found = []
    sections: list[tuple[str, tuple[str, ...], PlatformLists]] = [(PLATFORM, ("lists",), config.settings.lists)]
    sections.extend((domain, ("domain", domain), section) for domain, section in config.settings.domain.items())
    for domain, path, section in sections:
        for name in CONFIGURED:
            source = config.source(*path, name.value)
            for value in getattr(section, name.value):
                found.append(Entry(name, normalise_value(name, value), domain, source))
    return found


def raise_version(connection: Connection, what: str) -> None:
    """Say in a transaction that something of that kind changes; whoever does so as well waits for its end."""
    raised = update(VERSION).where(VERSION.c.name == what).values(number=VERSION.c.number + 1)
    if not connection.execute(raised).rowcount:
        connection.execute(insert(VERSION).values(name=what, number=1))


class ListStore:
    """The list tables. Reading never creates or upgrades the database; the first change does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._file = sqlite_file(url)
        self._engine: Engine | None = None
        self._versions: dict[str, tuple[Stamp, int]] = {}

    def _exists(self) -> bool:
        """Whether there is a database to ask. Raises OSError where that cannot be seen, which is no answer."""
        try:
            return self._file is None or bool(os.stat(self._file))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _open(self) -> Engine:
        if self._engine is None:
            self._engine = open_database(self._url)
        return self._engine

    @contextmanager
    def change(self, what: str = _LISTS) -> Iterator[Connection]:
        """A transaction that changes entries, or `what` else is said; one after the other in all processes.

        It makes the tables where needed, and raises the version number of what it changes.
        """
        engine = self._open()
        schema.upgrade(engine)
        with engine.begin() as connection:
            raise_version(connection, what)
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection | None]:
        """A connection to read by, None where there are no tables yet."""
        if not self._exists():
            yield None
            return
        with self._open().connect() as connection:
            yield connection if schema.readable(connection) else None

    def version(self, what: str = _LISTS) -> int:
        """Return a number that changes whenever an entry does, or `what` else is said."""
        stamp = stamp_of(self._file)
        known = self._versions.get(what)
        if known is not None and known[0] == stamp:
            return known[1]
        with self.read() as connection:
            if connection is None:
                return 0
            found = connection.execute(select(VERSION.c.number).where(VERSION.c.name == what)).scalar()
            if stamp is not None:
                self._versions[what] = stamp, int(found or 0)
            return int(found or 0)

    def entries(self) -> list[Entry]:
        """Return every entry, expired ones included (they no longer match)."""
        return [stored.entry for stored in self.stored()]

    def rows(self) -> Iterator[Row]:
        """Yield every entry that has not ended, without its history: a million in seconds, and never all in memory.

        Raises SQLAlchemyError or OSError, also where there is no database: `version` says so before, by 0.
        """
        if not self._exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._file))
        table = LIST_ENTRY.c
        holding = or_(table.expires_at.is_(None), table.expires_at > datetime.now(UTC).replace(tzinfo=None))
        source = (_ADDED_BY + table.added_by).label("source")
        query = select(table.list, table.domain, table.value, source, table.expires_at).where(holding)
        with self._open().connect() as connection:
            if not schema.readable(connection):
                raise schema.SchemaError("it has no tables")
            found: Iterable[Any] = connection.execution_options(yield_per=_AT_ONCE).execute(query)
            yield from found

    def stored(self, name: ListName | None = None, domain: str | None = None) -> list[StoredEntry]:
        """Return entries with their history, optionally of one list or one domain."""
        query = select(LIST_ENTRY).order_by(LIST_ENTRY.c.list, LIST_ENTRY.c.domain, LIST_ENTRY.c.value)
        if name is not None:
            query = query.where(LIST_ENTRY.c.list == name.value)
        if domain is not None:
            query = query.where(LIST_ENTRY.c.domain == domain)
        with self.read() as connection:
            if connection is None:
                return []
            rows = connection.execute(query).all()
        return [
            StoredEntry(
                Entry(ListName(row.list), row.value, row.domain, _ADDED_BY + row.added_by, _utc(row.expires_at)),
                row.added_by,
                row.added_at.replace(tzinfo=UTC),
                row.note,
            )
            for row in rows
        ]

    def add(
        self, name: ListName, value: str, domain: str, by: str, expires: datetime | None = None, note: str = ""
    ) -> bool:
        """Add an entry, or renew it; return whether it is new. Raises `tamis.lists.BadEntry` on a bad value."""
        check_owner(name, domain)
        normalised = checked(name, value)
        with self.change() as connection:
            return put(connection, name, normalised, domain, by, expires, note)

    def remove(self, name: ListName, value: str, domain: str) -> bool:
        """Remove an entry; return whether it was there."""
        normalised = normalise_value(name, value)
        with self.read() as connection:
            if connection is None:
                return False
        with self.change() as connection:
            removed = take_away(connection, name, normalised, domain)
            if not removed:
                connection.rollback()
        return removed


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
