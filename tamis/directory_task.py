"""The keeper's task that reads domains and users from the mail server's own SQL database, for workers."""

import logging
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from tamis import limits
from tamis.addresses import domain_of
from tamis.config import Config
from tamis.database import POSTGRESQL_ARGUMENTS, first_line
from tamis.directory import DOMAIN, LISTS, PERSON, POLICY, USER, person_key
from tamis.lists import BadEntry, recipient_domain
from tamis.policy_keys import is_name, kind_of, owner
from tamis.snapshot import SnapshotError, StoredLists, directory_path
from tamis.snapshot_writer import Row, write

_log: Final = logging.getLogger("tamis")
_REST: Final = 9.0
"""Reading takes a tenth of the time at most."""
_AT_ONCE: Final = 5000


class DirectoryNotRead(Exception):
    """What the database says could not be read, or cannot be believed; the text says why, in one line."""


def open_directory(url: str) -> Engine:
    """Return an engine for a database that is only read, of any kind that SQLAlchemy has a driver for.

    Raises `sqlalchemy.exc.ArgumentError` with one clear line.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        backend = parsed.get_backend_name()
        arguments: dict[str, Any] = {}
        if backend == "postgresql":
            timeout = f"-c statement_timeout={round(1000 * limits.DIRECTORY_QUERY_SECONDS)}"
            arguments = {"options": timeout, **POSTGRESQL_ARGUMENTS}
            arguments = {name: value for name, value in arguments.items() if name not in parsed.query}
        return create_engine(parsed, poolclass=NullPool, connect_args=arguments)
    except (ArgumentError, ValueError):
        raise ArgumentError("not a database url: write mysql+pymysql://user:password@host/database") from None
    except ImportError as error:
        raise ArgumentError(f"its driver is missing: {first_line(error)}") from None


class DirectoryTask:
    """Compares what the queries say with what was written last; asks again only where it differs."""

    def __init__(self, config: Config) -> None:
        self._section = config.settings.directory
        self._path = directory_path(config)
        self._engine: Engine | None = None
        self._rests_until = 0.0
        self._left_out = 0

    def run(self) -> None:
        """Write what is new. Raises `DirectoryNotRead`, and leaves the last good file."""
        began = time.monotonic()
        if began < self._rests_until:
            return
        try:
            self._read()
        except (SQLAlchemyError, OSError, ValueError) as error:
            instead = "the last good ones stay" if self._path.exists() else "there are none yet"
            raise DirectoryNotRead(f"domains and users: {instead}: {first_line(error)}") from error
        finally:
            ended = time.monotonic()
            self._rests_until = ended + max(self._section.seconds, _REST * (ended - began))

    def _read(self) -> None:
        if self._engine is None:
            self._engine = open_directory(self._section.url)
        with self._engine.connect() as connection:
            _make_read_only(connection)
            digest = 0
            left_out = entries = 0
            for row in self._rows(connection):
                if row is None:
                    left_out += 1
                    continue
                entries += 1
                hashed = blake2b("\0".join(row[:4]).encode("utf-8", "surrogatepass"), digest_size=8).digest()
                digest = (digest + int.from_bytes(hashed, "little")) % 2**63
            last = _version(self._path)
            if last is not None and not entries and last != 0:
                raise SnapshotError(f"it has none any more; to begin anew, remove {self._path}")
            if digest != last:
                name = make_url(self._section.url).render_as_string(hide_password=True)
                write(self._path, (row for row in self._rows(connection) if row is not None), digest, name, LISTS)
        if left_out not in (0, self._left_out):
            _log.warning("domains and users that are none are left out: %d", left_out)
        self._left_out = left_out

    def _rows(self, connection: Connection) -> Iterator[Row | None]:
        """Yield every entry of the file, None for each row that is no domain or no user."""
        for query, read in ((self._section.domains_query, _of_domain), (self._section.users_query, _of_user)):
            if not query:
                continue
            found = connection.execution_options(yield_per=_AT_ONCE).execute(text(query)).mappings()
            for number, row in enumerate(found):
                if number >= limits.DIRECTORY_ROWS:
                    raise SnapshotError(f"more than {limits.DIRECTORY_ROWS} rows")
                values = {str(key).lower(): "" if value is None else str(value).strip() for key, value in row.items()}
                try:
                    yield from read(values)
                except (BadEntry, KeyError):
                    yield None


def _of_domain(values: dict[str, str]) -> Iterator[Row]:
    domain = recipient_domain(values["domain"])
    yield DOMAIN, "", domain, "", None
    yield from _policy(domain, values)


def _of_user(values: dict[str, str]) -> Iterator[Row]:
    address = owner(values["address"])
    if kind_of(address) != "@":
        raise BadEntry(f"{address!r} is no address")
    name = "".join(letter for letter in values.get("name", "") if letter.isprintable())[:255]
    yield USER, "", address, name, None
    if key := person_key(name):
        yield PERSON, domain_of(address), key, address, None
    yield from _policy(address, values)


def _policy(whose: str, values: dict[str, str]) -> Iterator[Row]:
    name = values.get("policy", "")
    if name:
        if not is_name(name):
            raise BadEntry(f"{name!r} is no name of a policy")
        yield POLICY, kind_of(whose), whose, name, None


def _version(path: Path) -> int | None:
    """Return the number of what was written last, None where that is nothing."""
    try:
        with path.open("rb") as file:
            return StoredLists(file).header.version
    except (OSError, SnapshotError):
        return None


def _make_read_only(connection: Connection) -> None:
    """Let nothing be changed, whatever the query says."""
    words = {
        "sqlite": "PRAGMA query_only=1",
        "postgresql": "SET TRANSACTION READ ONLY",
        "mysql": "SET SESSION TRANSACTION READ ONLY",
        "mariadb": "SET SESSION TRANSACTION READ ONLY",
    }.get(connection.dialect.name)
    if words:
        connection.exec_driver_sql(words)
