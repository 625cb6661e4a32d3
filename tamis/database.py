"""The SQL database: its tables, and how it is opened (SQLAlchemy Core).

The tables are made and changed by the migrations only (`tamis.schema`). SQLite runs with write-ahead logging
and ``synchronous=FULL``: what was committed survives a power cut.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
)  # fmt: skip
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeDecorator, TypeEngine

METADATA: Final = MetaData()
_SQLITE_WAIT_SECONDS: Final = 5


class _Text(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(self.length, collation=collation))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        # What came over the wire is asked for as well, and may be no text: drivers would raise.
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" or letter == "\0" else letter for letter in value)


def text_of(length: int) -> TypeEngine[str]:
    """A column of text that is compared and sorted byte by byte, whatever the locale of the server.

    Where a value is no Unicode, or holds NUL, U+FFFD takes the place of what no database stores.
    """
    return _Text(length)


LIST_ENTRY: Final = Table(
    "list_entry",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("list", text_of(32), nullable=False),
    Column("domain", text_of(320), nullable=False, doc="the recipient domain or address, empty for the platform"),
    Column("value", text_of(320), nullable=False),
    Column("added_by", text_of(255), nullable=False),
    Column("added_at", DateTime, nullable=False, doc="UTC"),
    Column("expires_at", DateTime, nullable=True, doc="UTC; empty for never"),
    Column("note", text_of(255), nullable=False, default=""),
    UniqueConstraint("list", "domain", "value"),
)

VERSION: Final = Table(
    "version",
    METADATA,
    Column("name", text_of(32), primary_key=True, doc="what changed"),
    Column("number", Integer, nullable=False, doc="raised in the transaction of every change"),
)

_WANTED: Final = "write sqlite:////file or postgresql+psycopg://user@host/database"
POSTGRESQL_ARGUMENTS: Final = {
    "connect_timeout": "5",
    "fallback_application_name": "tamis",
    # A server that is gone without a word is noticed within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


class BadDatabaseUrl(ArgumentError):
    """A url that names no database Tamis can use; the text is one clear line."""


class DriverMissing(ArgumentError):
    """The Python driver of the database is not installed; the text is one clear line."""


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadDatabaseUrl(f"not a database url: {_WANTED}") from None
    except ValueError:
        raise BadDatabaseUrl("not a database url: its port is not a number") from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise BadDatabaseUrl(f"not a database that Tamis uses: {_WANTED}")
    if parsed.drivername == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise BadDatabaseUrl("not a database that Tamis uses: SQLite needs a file, which its processes share")
    return parsed


@lru_cache(maxsize=16)
def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite url, None for another database. Raises `BadDatabaseUrl`."""
    parsed = _parse(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def name_of(url: str) -> str:
    """Return how a person knows the database: its file, or its name and server; never a password."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    where = parsed.host or parsed.query.get("host") or "this machine"
    return f"{parsed.database or parsed.username or 'the default database'} on {where}"


def first_line(error: Exception) -> str:
    """Return what an error of the database says, in one line."""
    lines = [line.strip() for line in str(getattr(error, "orig", None) or error).splitlines()]
    # What tried several addresses says what became of each on the lines below.
    several = len(lines) > 1 and lines[0].endswith(":")
    return " ".join(lines[:2] if several else lines[:1])


def open_database(url: str) -> Engine:
    """Return an engine for the database; connects on first use. Raises `BadDatabaseUrl` or `DriverMissing`.

    A file of SQLite is opened anew each time: a kept connection would go on reading one that was replaced. A new one is
    made only where there never was one, which a file beside it tells: where it is gone, nobody writes into an empty one
    while it is put back, whose write-ahead log would then meet the tables of the other.
    A connection to PostgreSQL is kept, and tried before each use.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=NullPool, creator=_opener(str(parsed.database)))
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    arguments = {name: value for name, value in POSTGRESQL_ARGUMENTS.items() if name not in parsed.query}
    try:
        return create_engine(parsed, pool_pre_ping=True, connect_args=arguments)
    except ImportError as error:
        raise DriverMissing(f"its driver is missing: {first_line(error)}: install tamis[postgresql]") from None


def _opener(file: str) -> Callable[[], sqlite3.Connection]:
    made = Path(f"{file}-made")
    new = True

    def connect() -> sqlite3.Connection:
        nonlocal new
        # In this order: another process may make both at this moment, the file first.
        if (made.exists() or not new) and not os.path.exists(file):
            raise sqlite3.OperationalError(f"{file} is gone: put it back, or to begin anew remove {made}")
        mode = "rwc" if new else "rw"
        connection = sqlite3.connect(f"file:{quote(file)}?mode={mode}", uri=True, check_same_thread=False)
        if new:
            with suppress(OSError):  # A folder that nobody may write to: it was somebody else who made the file.
                made.touch()
            new = False
        return connection

    return connect


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_SQLITE_WAIT_SECONDS * 1000}")
    # A new file only can learn to give its pages back, and only before anything is in it. In one that can it would be
    # written down again: each connection, if only to read, would be a transaction that the disk is waited for.
    if not cursor.execute("PRAGMA page_count").fetchone()[0]:
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
    write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn write-ahead logging on. Raises `sqlite3.OperationalError`, as for a file that stays locked.

    Here SQLite does not wait by itself for others who do the same in a new file.
    """
    deadline = time.monotonic() + _SQLITE_WAIT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # The lowest octet says what happened, the others why.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)
