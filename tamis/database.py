"""The SQL database: its tables, and how it is opened (SQLAlchemy Core).

SQLite runs with write-ahead logging and ``synchronous=FULL``: what was committed survives a power cut.
"""

from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    DateTime,
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
from sqlalchemy.pool import NullPool

METADATA: Final = MetaData()

LIST_ENTRY: Final = Table(
    "list_entry",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("list", String(32), nullable=False),
    Column("domain", String(253), nullable=False, doc="the recipient domain, empty for the platform"),
    Column("value", String(320), nullable=False),
    Column("added_by", String(255), nullable=False),
    Column("added_at", DateTime, nullable=False, doc="UTC"),
    Column("expires_at", DateTime, nullable=True, doc="UTC; empty for never"),
    Column("note", String(255), nullable=False, default=""),
    UniqueConstraint("list", "domain", "value"),
)

VERSION: Final = Table(
    "version",
    METADATA,
    Column("name", String(32), primary_key=True, doc="what changed"),
    Column("number", Integer, nullable=False, doc="raised in the transaction of every change"),
)


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite url, None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def first_line(error: Exception) -> str:
    """Return what an error of the database says, in one line."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]


def open_database(url: str) -> Engine:
    """Return an engine for the database; connects on first use. Raises `sqlalchemy.exc.ArgumentError` on a bad url.

    A file of SQLite is opened anew each time: a kept connection would go on reading one that was replaced.
    """
    engine = create_engine(url, pool_pre_ping=True, poolclass=NullPool if sqlite_file(url) else None)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
