"""The journal of what was learned of messages, in SQL. It is the truth; the counts that serve are made of it.

Rows are added, and removed by expiry and undo, never changed: of what one reporter said of one message for one domain
the last word counts, and when it is undone the word before counts again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select

from tamis import limits
from tamis.learning.tables import LEARNED
from tamis.learning.teaching import Lesson, Reporter, Source, packed
from tamis.list_rows import storable
from tamis.list_store import ListStore, raise_version
from tamis.models.features import FEATURES_VERSION

VERSION_NAME: Final = "learned"
_AT_ONCE: Final = 500


class Outcome(StrEnum):
    """What became of one word."""

    LEARNED = "learned"
    MOVED = "moved"
    """The same reporter had said the opposite."""
    KNOWN = "known"
    """The same reporter had said the same."""
    TOO_MANY = "too many"
    """The reporter has said enough for today."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, without its features."""

    id: int
    day: date
    by: str
    source: Source
    domain: str
    digest: str
    spam: bool


@dataclass(frozen=True, slots=True)
class Taught:
    """What one reporter has taught."""

    by: str
    source: Source
    domain: str
    ham: int
    spam: int
    last_at: datetime


def write(
    connection: Connection, reporter: Reporter, lessons: Sequence[Lesson], now: datetime, most: int | None = None
) -> list[Outcome]:
    """Write lessons in a transaction; return what became of each. Others who teach wait for its end.

    `most`: rows that the reporter may add in a day, where that is less than those of its kind may.
    """
    raise_version(connection, VERSION_NAME)
    moment, by = now.astimezone(UTC).replace(tzinfo=None), storable(reporter.by)
    mine = (LEARNED.c.by == by, LEARNED.c.domain == reporter.domain)
    room = _room(connection, reporter.source, by, moment, most)
    outcomes: list[Outcome] = []
    for start in range(0, len(lessons), _AT_ONCE):
        batch = lessons[start : start + _AT_ONCE]
        last = _last_words(connection, mine, {one.digest for one in batch})
        rows: list[dict[str, Any]] = []
        for one in batch:
            before = last.get(one.digest)
            if before is one.spam:
                outcomes.append(Outcome.KNOWN)
            elif not room:
                outcomes.append(Outcome.TOO_MANY)
            else:
                room -= 1
                last[one.digest] = one.spam
                outcomes.append(Outcome.LEARNED if before is None else Outcome.MOVED)
                rows.append(_row(reporter, by, one, moment))
        if rows:
            connection.execute(insert(LEARNED), rows)
    return outcomes


def _room(connection: Connection, source: Source, by: str, moment: datetime, most: int | None) -> int:
    """Return how many rows a reporter may add today; those of administrators are bounded by the journal's size."""
    if most is None and source is Source.ADMINISTRATOR:
        return limits.LEARNED_MESSAGES
    most = limits.LESSONS_A_DAY if most is None else most
    today = datetime.combine(moment.date(), datetime.min.time())
    said = select(func.count()).select_from(LEARNED).where(LEARNED.c.by == by, LEARNED.c.at >= today)
    return max(0, most - int(connection.execute(said).scalar_one()))


def _last_words(connection: Connection, mine: Sequence[ColumnElement[bool]], digests: set[str]) -> dict[str, bool]:
    query = select(LEARNED.c.digest, LEARNED.c.spam).where(LEARNED.c.digest.in_(digests), *mine)
    return {row.digest: bool(row.spam) for row in connection.execute(query.order_by(LEARNED.c.id))}


def _row(reporter: Reporter, by: str, one: Lesson, moment: datetime) -> dict[str, Any]:
    return {
        "at": moment,
        "by": by,
        "source": reporter.source.value,
        "domain": reporter.domain,
        "digest": one.digest,
        "spam": one.spam,
        "features": packed(one.features),
        "features_version": FEATURES_VERSION,
    }


class Journal:
    """The journal in the database of the lists. Reading never makes the tables; the first lesson does.

    All methods raise `sqlalchemy.exc.SQLAlchemyError` or OSError where the database cannot be had.
    """

    def __init__(self, url: str) -> None:
        self._store = ListStore(url)

    def learn(
        self, reporter: Reporter, lessons: Sequence[Lesson], now: datetime | None = None, most: int | None = None
    ) -> list[Outcome]:
        """Write lessons; return what became of each (`write`). When it returns they survive a power cut."""
        with self._store.change(VERSION_NAME) as connection:
            return write(connection, reporter, lessons, now or datetime.now(UTC), most)

    def undo(self, by: str = "", since: datetime | None = None) -> int:
        """Remove what somebody said, all or since a time, or what everybody said since then; return how many rows."""
        meant = [LEARNED.c.by == storable(by)] if by else []
        if since is not None:
            meant.append(LEARNED.c.at >= since.astimezone(UTC).replace(tzinfo=None))
        if not meant:
            raise ValueError("neither who nor since when")
        with self._reading() as connection:
            if connection is None:
                return 0
        with self._store.change(VERSION_NAME) as connection:
            return int(connection.execute(delete(LEARNED).where(*meant)).rowcount)

    def expire(self, days: int, now: datetime | None = None) -> int:
        """Remove rows older than so many days, and the oldest of more than a journal may have; return how many."""
        before = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None) - timedelta(days=days)
        kept = select(LEARNED.c.id).order_by(LEARNED.c.id.desc()).offset(limits.LEARNED_MESSAGES).limit(1)
        with self._reading() as connection:
            if connection is None:
                return 0
            least = connection.execute(kept).scalar()
            over = (LEARNED.c.at < before) if least is None else (LEARNED.c.at < before) | (LEARNED.c.id <= least)
            if connection.execute(select(LEARNED.c.id).where(over).limit(1)).first() is None:
                return 0
        with self._store.change(VERSION_NAME) as connection:
            return int(connection.execute(delete(LEARNED).where(over)).rowcount)

    def taught(self) -> list[Taught]:
        """Return who taught how many messages, those who taught last first."""
        table = LEARNED.c
        numbers = [func.sum(case((table.spam, 1), else_=0)), func.count(), func.max(table.at)]
        query = select(table.by, table.source, table.domain, *numbers).group_by(table.by, table.source, table.domain)
        with self._reading() as connection:
            rows = connection.execute(query).all() if connection else []
        found = [
            Taught(by, Source(source), domain, int(rows) - int(spam), int(spam), last.replace(tzinfo=UTC))
            for by, source, domain, spam, rows, last in rows
        ]
        return sorted(found, key=lambda one: one.last_at, reverse=True)

    # --- for the counts that serve

    def version(self) -> int:
        """Return a number that changes whenever the journal does; 0 where nothing was ever learned."""
        return self._store.version(VERSION_NAME)

    @contextmanager
    def reading(self) -> Iterator["Reading | None"]:
        """The journal, for reading all of it; None where there is none."""
        with self._reading() as connection:
            yield Reading(connection) if connection is not None else None

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        with self._store.read() as connection:
            known = connection is not None and connection.dialect.has_table(connection, LEARNED.name)
            yield connection if known else None


class Reading:
    """The rows of the journal whose features are of this version. Between two questions others may change it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def entries(self) -> list[Entry]:
        """Return all rows, the oldest first."""
        table = LEARNED.c
        columns = (table.id, table.at, table.by, table.source, table.domain, table.digest, table.spam)
        query = select(*columns).where(table.features_version == FEATURES_VERSION).order_by(table.id)
        return [
            Entry(id, at.date(), by, Source(source), domain, digest, bool(spam))
            for id, at, by, source, domain, digest, spam in self._connection.execute(query)
        ]

    def features(self) -> Iterator[tuple[int, bytes]]:
        """Yield id and packed features of all rows, by domain and then the oldest first."""
        query = select(LEARNED.c.id, LEARNED.c.features).order_by(LEARNED.c.domain, LEARNED.c.id)
        query = query.where(LEARNED.c.features_version == FEATURES_VERSION)
        found: Any = self._connection.execution_options(yield_per=_AT_ONCE).execute(query)
        yield from found
