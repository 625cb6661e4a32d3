"""The databases that are measured: SQLite in a file, and a PostgreSQL of its own with its usual settings."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from tamis.database import sqlite_file
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tests.postgresql import Cluster, programs

KINDS = ("sqlite", "postgresql")


@contextmanager
def database(kind: str, where: str) -> Iterator[tuple[str, Path]]:
    """The url of an empty database, and a folder for the spool, on the same disk."""
    folder = Path(tempfile.mkdtemp(prefix="tamis-", dir=where))
    try:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/tamis.db", folder / "spool"
            return
        found = programs()
        if found is None:
            raise SystemExit("PostgreSQL is not installed")
        with Cluster(found, durable=True, where=where) as cluster:
            yield cluster.new_database(), folder / "spool"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_store(url: str, spool: Path) -> Store:
    """Return a store with its tables made."""
    store = Store(url, Spool(spool))
    store.spool.prepare()
    store.engine()
    return store


def octets(engine: Engine) -> int:
    """Return what a database takes on the disk."""
    file = sqlite_file(str(engine.url))
    if file is not None:
        return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def tidy(engine: Engine) -> None:
    """Do what a server does by itself within minutes: count what is there, and mark what is free."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        else:
            connection.execute(text("VACUUM ANALYZE"))


def used(folder: Path) -> int:
    """Return what a folder takes on the disk, in whole blocks."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
