"""The two databases, looked into and brought down without any of Tamis's own code."""

import json
import os
import pwd
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any, Protocol

import psycopg

from tamis.postfix.served import service_user
from tests.postgresql import Cluster

LOCKED_SECONDS = 8.0
"""Longer than anybody waits for a lock of SQLite."""
_AWAY_SECONDS = 0.3


def as_service_user() -> dict[str, Any]:
    """The arguments of Popen for a process that is what the daemon is."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(service_user())
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


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
        self._looker: subprocess.Popen[str] | None = None
        self._alone = threading.Lock()

    @contextmanager
    def opened(self, path: Path) -> Iterator[None]:
        """Look into this file within the block."""
        self.path = path
        command = [sys.executable, str(Path(__file__).with_name("looker.py")), str(path)]
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, **as_service_user()) as self._looker:
            try:
                yield
            finally:
                self._looker.kill()

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        assert self._looker is not None
        assert self._looker.stdin is not None
        assert self._looker.stdout is not None
        with self._alone:
            self._looker.stdin.write(json.dumps([statement, values]) + "\n")
            self._looker.stdin.flush()
            rows, error = json.loads(self._looker.stdout.readline())
        if error is not None:
            raise sqlite3.OperationalError(error)
        return [tuple(row) for row in rows]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Leave the block to somebody who writes; the lock goes some seconds later."""
        self.run("BEGIN EXCLUSIVE")
        began = time.monotonic()
        try:
            yield
            time.sleep(max(0.0, LOCKED_SECONDS - (time.monotonic() - began)))
        finally:
            self.run("ROLLBACK")

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
