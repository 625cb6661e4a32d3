"""The weights of senders in the database: learned, forgotten, and shown.

`learn` is for whoever has a transaction already: the release of a held message and the validation by its sender.
`WeightStore` is for all others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from tamis import schema
from tamis.addresses import domain_of
from tamis.authentication.domains import organisational
from tamis.complaints import REMEMBERED_DAYS, Kind, State
from tamis.list_rows import checked, storable
from tamis.list_store import ListStore, raise_version
from tamis.lists import BadEntry, ListName, recipient_domain
from tamis.reputation_tables import PROPOSAL
from tamis.sender_weights import FORGOTTEN_AFTER, Event, Weight, bounded, encode, faded
from tamis.snapshot_writer import Row
from tamis.weight_tables import SENDER_WEIGHT
from tamis.weights import COMPLAINED_OF, LIST

VERSION_NAME: Final = "weights"
_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be learned of a sender, and how fast such things fade here."""

    event: Event
    half_life_days: float


@dataclass(frozen=True, slots=True)
class Known:
    """A sender with what it has earned with a domain; `now`: the points that are left."""

    domain: str
    sender: str
    weight: Weight
    now: float
    changed_by: str


class OwnDomain(BadEntry):
    """An address of the recipient domain itself, for which nothing is learned; the text is one clear line."""


def subject(domain: str, sender: str) -> tuple[str, str]:
    """Return domain and sender in the one spelling in which they are stored.

    Raises `BadEntry` for what is no domain or no mail address, `OwnDomain` for an address of that domain: its name on
    a message from outside is forged more often than not (SPEC, section 3).
    """
    domain, sender = recipient_domain(domain), checked(ListName.WHITELIST_SENDER, sender)
    if "@" not in sender:
        raise BadEntry(f"{sender!r} is not a mail address")
    if domain_of(sender) == domain:
        raise OwnDomain(f"{sender} is an address of {domain} itself: nothing is learned of those")
    return domain, sender


def learn(connection: Connection, domain: str, sender: str, lesson: Lesson, by: str, now: datetime) -> bool:
    """Learn of a sender in a transaction; False for the null sender and what else `subject` refuses.

    Whoever changes weights waits here for others who do, until the end of their transactions.
    """
    try:
        domain, sender = subject(domain, sender)
    except BadEntry:
        return False
    raise_version(connection, VERSION_NAME)
    _add(connection, domain, sender, lesson, lesson.event.points, 1, by, now)
    return True


def unlearn(
    connection: Connection, domain: str, sender: str, lesson: Lesson, since: datetime, by: str, now: datetime
) -> None:
    """Take back what was learned at a moment, as much of it as is left."""
    raise_version(connection, VERSION_NAME)
    points = -lesson.event.points * faded(since, now, lesson.half_life_days)
    _add(connection, domain, sender, lesson, points, -1, by, now)


def complain(connection: Connection, sender: str, half_life_days: float, by: str, now: datetime) -> int:
    """Lower a sender with every domain that has learned something of it; return with how many."""
    raise_version(connection, VERSION_NAME)
    lesson = Lesson(Event.COMPLAINT, half_life_days)
    domains = connection.execute(select(SENDER_WEIGHT.c.domain).where(SENDER_WEIGHT.c.sender == sender)).scalars().all()
    for domain in domains:
        _add(connection, domain, sender, lesson, lesson.event.points, 1, by, now)
    return len(domains)


def _add(
    connection: Connection, domain: str, sender: str, lesson: Lesson, points: float, number: int, by: str, now: datetime
) -> None:
    table, counter = SENDER_WEIGHT.c, lesson.event.column
    here = (table.domain == domain, table.sender == sender)
    row = connection.execute(select(SENDER_WEIGHT).where(*here)).one_or_none()
    changed = {"at": _stored(now), "changed_by": storable(by)}
    if row is not None:
        left = row.weight * faded(_utc(row.at), now, lesson.half_life_days)
        counted = max(0, getattr(row, counter) + number)
        new = {"weight": bounded(left + points), counter: counted, **changed}
        connection.execute(update(SENDER_WEIGHT).where(*here).values(new))
    elif number > 0:
        counts = {event.column: 0 for event in Event} | {counter: number}
        new = {"domain": domain, "sender": sender, "weight": bounded(points), **counts, **changed}
        connection.execute(insert(SENDER_WEIGHT).values(new))


class WeightStore:
    """The weights in the database of the lists. Reading never makes the tables; the first change does."""

    def __init__(self, url: str, half_life_days: float) -> None:
        self._store = ListStore(url)
        self._half_life = half_life_days

    def learn(self, domain: str, sender: str, event: Event, by: str) -> float:
        """Learn of a sender; return what it has now. Raises `BadEntry` as `subject` does, and SQLAlchemyError."""
        domain, sender = subject(domain, sender)
        now = datetime.now(UTC)
        with self._store.change(VERSION_NAME) as connection:
            lesson = Lesson(event, self._half_life)
            _add(connection, domain, sender, lesson, event.points, 1, by, now)
        found = self.find(domain, sender)
        return found.at_time(now, self._half_life) if found else 0.0

    def forget(self, domain: str, sender: str) -> bool:
        """Forget all that was learned of a sender; return whether there was anything. Raises as `learn`."""
        domain, sender = subject(domain, sender)
        here = (SENDER_WEIGHT.c.domain == domain, SENDER_WEIGHT.c.sender == sender)
        with self._reading() as connection:
            if connection is None:
                return False
        with self._store.change(VERSION_NAME) as connection:
            return bool(connection.execute(delete(SENDER_WEIGHT).where(*here)).rowcount)

    def find(self, domain: str, sender: str) -> Weight | None:
        """Return what was learned of a sender, in its one spelling. Raises SQLAlchemyError."""
        here = (SENDER_WEIGHT.c.domain == domain, SENDER_WEIGHT.c.sender == sender)
        with self._reading() as connection:
            row = connection.execute(select(SENDER_WEIGHT).where(*here)).one_or_none() if connection else None
        return _weight(row) if row is not None else None

    def known(self, domain: str = "", sender: str = "") -> list[Known]:
        """Return what was learned, of one domain or one sender where they are named; the most first."""
        query = select(SENDER_WEIGHT)
        if domain:
            query = query.where(SENDER_WEIGHT.c.domain == domain)
        if sender:
            query = query.where(SENDER_WEIGHT.c.sender == sender)
        now = datetime.now(UTC)
        with self._reading() as connection:
            rows = connection.execute(query).all() if connection else []
        found = [
            Known(row.domain, row.sender, weight, weight.at_time(now, self._half_life), row.changed_by)
            for row, weight in ((row, _weight(row)) for row in rows)
        ]
        return sorted(found, key=lambda one: (-round(one.now, 2), one.domain, one.sender))

    def forget_faded(self) -> int:
        """Remove what has faded away; return the number of senders."""
        past = _stored(datetime.now(UTC) - timedelta(days=FORGOTTEN_AFTER * self._half_life))
        with self._reading() as connection:
            over = select(SENDER_WEIGHT.c.sender).where(SENDER_WEIGHT.c.at < past).limit(1)
            if connection is None or connection.execute(over).first() is None:
                return 0
        with self._store.change(VERSION_NAME) as connection:
            return connection.execute(delete(SENDER_WEIGHT).where(SENDER_WEIGHT.c.at < past)).rowcount

    # --- for the file that workers map

    def version(self) -> int:
        """Return a number that changes whenever a weight does."""
        return self._store.version(VERSION_NAME)

    def rows(self) -> Iterator[Row]:
        """Yield every weight as an entry of that file."""
        with self._reading() as connection:
            if connection is None:
                raise schema.SchemaError("it has no tables")
            columns = [SENDER_WEIGHT.c[name] for name in ("domain", "sender", "weight", "at")]
            counts = [SENDER_WEIGHT.c[event.column] for event in Event]
            found: Any = connection.execution_options(yield_per=_AT_ONCE).execute(select(*columns, *counts))
            for domain, sender, points, at, *numbers in found:
                yield LIST, domain, sender, encode(points, at, numbers), None
        for organisation, last in self.complaints().items():
            yield COMPLAINED_OF, "", organisation, f"{last.timestamp():.0f}", None

    def complaints(self) -> dict[str, datetime]:
        """Return when each organisational domain was complained of last; what a person dismissed is none."""
        table = PROPOSAL.c
        query = select(table.value, table.last_seen).where(
            table.kind != Kind.IP.value,
            table.state != State.DISMISSED.value,
            table.last_seen > _stored(datetime.now(UTC) - timedelta(days=REMEMBERED_DAYS)),
        )
        last: dict[str, datetime] = {}
        with self._reading() as connection:
            for value, at in connection.execute(query) if connection else ():
                organisation = organisational(domain_of(value) or value)
                last[organisation] = max(_utc(at), last.get(organisation, _utc(at)))
        return last

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        """A connection to read weights by, None where nothing was ever learned."""
        with self._store.read() as connection:
            yield connection if connection is not None and _has_table(connection) else None


def _has_table(connection: Connection) -> bool:
    """Whether the table is there: tables of an older Tamis are read, and know nothing of weights."""
    return connection.dialect.has_table(connection, SENDER_WEIGHT.name)


def _weight(row: Any) -> Weight:
    return Weight(row.weight, _utc(row.at), {event: getattr(row, event.column) for event in Event})


def _stored(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
