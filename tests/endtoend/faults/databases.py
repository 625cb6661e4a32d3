"""The two databases, looked into and brought down without any of Tamis's own code."""

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from tests.postgresql import Cluster

LOCKED_SECONDS = 8.0
"""Longer than anybody waits for a lock of SQLite."""
_AWAY_SECONDS = 0.3


class Database(Protocol):
    """`url` as the configuration names it; empty: the daemon's own."""

    url: str

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement, with a question mark for each value, and return its rows."""


class Sqlite:
    """A file that another process locks, or that nobody can open."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.path = Path()

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=20.0)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Leave the block to somebody who writes; the lock goes some seconds later."""
        with closing(sqlite3.connect(self.path, timeout=20.0, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            yield
            time.sleep(max(0.0, LOCKED_SECONDS - (time.monotonic() - began)))
            connection.execute("ROLLBACK")

    @contextmanager
    def away(self) -> Iterator[None]:
        aside = self.path.with_suffix(".aside")
        os.rename(self.path, aside)
        # Where there is nothing, a new database would be made.
        self.path.mkdir()
        try:
            yield
            time.sleep(_AWAY_SECONDS)
        finally:
            self.path.rmdir()
            os.rename(aside, self.path)


class Postgresql:
    """A server that is killed with all its sessions, and started again by a person."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.url = cluster.new_database()
        self._name = re.sub(".*/", "", self.url)

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        where = f"host=127.0.0.1 port={self._cluster.port} user=tamis dbname={self._name} connect_timeout=5"
        with psycopg.connect(where) as connection:
            cursor = connection.execute(statement.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def killed(self) -> Iterator[None]:
        self._cluster.kill()
        try:
            yield
            time.sleep(_AWAY_SECONDS)
        finally:
            self._cluster.start()
