"""Lists kept by command: who added what, when, and until when; and the entries written in the configuration."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Delete, Engine, delete, insert, or_, select, update

from tamis import schema
from tamis.config import Config
from tamis.database import LIST_ENTRY, VERSION, open_database, sqlite_file
from tamis.lists import CONFIGURED, PLATFORM, BadEntry, Entry, ListName, normalise_value
from tamis.settings import PlatformLists
from tamis.snapshot_writer import Row

_LISTS: Final = "lists"
_LONGEST: Final = 320
"""Characters of a value, as RFC 5321 has them: 64 of the local part, 255 of the domain."""
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


class ListStore:
    """The list tables. Reading never creates or upgrades the database; the first change does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._file = sqlite_file(url)
        self._engine: Engine | None = None

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
    def _change(self) -> Iterator[Connection]:
        """A transaction that changes entries, one after the other in all processes."""
        engine = self._open()
        schema.upgrade(engine)
        with engine.begin() as connection:
            raised = update(VERSION).where(VERSION.c.name == _LISTS).values(number=VERSION.c.number + 1)
            if not connection.execute(raised).rowcount:
                connection.execute(insert(VERSION).values(name=_LISTS, number=1))
            yield connection

    def version(self) -> int:
        """Return a number that changes whenever an entry does."""
        if not self._exists():
            return 0
        with self._open().connect() as connection:
            if not schema.readable(connection):
                return 0
            found = connection.execute(select(VERSION.c.number).where(VERSION.c.name == _LISTS)).scalar()
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
        if not self._exists():
            return []
        query = select(LIST_ENTRY).order_by(LIST_ENTRY.c.list, LIST_ENTRY.c.domain, LIST_ENTRY.c.value)
        if name is not None:
            query = query.where(LIST_ENTRY.c.list == name.value)
        if domain is not None:
            query = query.where(LIST_ENTRY.c.domain == domain)
        with self._open().connect() as connection:
            if not schema.readable(connection):
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
        normalised = normalise_value(name, value)
        if domain != PLATFORM and name.platform_only:
            raise BadEntry(f"entries of {name.option} hold for the whole platform, not for one domain")
        if len(normalised) > _LONGEST:
            raise BadEntry(f"{value[:40]!r}… is longer than {_LONGEST} characters")
        with self._change() as connection:
            removed = connection.execute(_delete(name, normalised, domain)).rowcount
            connection.execute(
                insert(LIST_ENTRY).values(
                    list=name.value,
                    domain=domain,
                    value=normalised,
                    added_by=_storable(by),
                    added_at=datetime.now(UTC).replace(tzinfo=None),
                    expires_at=expires.astimezone(UTC).replace(tzinfo=None) if expires else None,
                    note=_storable(note),
                )
            )
        return removed == 0

    def remove(self, name: ListName, value: str, domain: str) -> bool:
        """Remove an entry; return whether it was there."""
        normalised = normalise_value(name, value)
        if not self._exists():
            return False
        with self._open().connect() as connection:
            if not schema.readable(connection):
                return False
        with self._change() as connection:
            removed = connection.execute(_delete(name, normalised, domain)).rowcount
            if not removed:
                connection.rollback()
        return bool(removed)


def _delete(name: ListName, value: str, domain: str) -> Delete:
    table = LIST_ENTRY.c
    return delete(LIST_ENTRY).where(table.list == name.value, table.domain == domain, table.value == value)


def _storable(words: str) -> str:
    """Return free text as every database takes it: no NUL, nothing that is not Unicode, and not too long."""
    return words.encode("utf-8", "replace").decode().replace("\0", "?")[:255]


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
