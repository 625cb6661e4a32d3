"""How much is held: in all, of a domain, of an address. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from tamis.quarantine import transitions
from tamis.quarantine.outbox import POSSIBLE_DUPLICATES
from tamis.quarantine.records import State
from tamis.quarantine.tables import CONTENT, COPY, COUNTER, OUTBOX


@dataclass(slots=True)
class Amount:
    """Copies by state; `octets` are those of the held copies, each counted, `oldest` is when the first was held."""

    whose: str
    copies: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    octets: int = 0
    oldest: datetime | None = None

    @property
    def held(self) -> int:
        return self.copies[State.HELD]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Copies on their way out that the MTA last answered so; empty where it was not asked yet."""

    reply: str
    copies: int
    oldest: datetime
    tries: int


def amount(connection: Connection, recipient: str = "", domain: str = "") -> Amount:
    """Return how much there is of an address or of a domain, or in all."""
    total = Amount(recipient or domain)
    for row in connection.execute(_counted([], _of(recipient, domain))):
        _add(total, row)
    return total


def amounts(connection: Connection, domain: str = "") -> list[Amount]:
    """Return how much there is of each address of a domain, or of each domain; those with most held copies first."""
    each = COPY.c.recipient if domain else COPY.c.domain
    found: dict[str, Amount] = {}
    for row in connection.execute(_counted([each], _of("", domain))):
        _add(found.setdefault(row[4], Amount(row[4])), row)
    return sorted(found.values(), key=lambda one: (-one.held, one.whose))


def waiting(connection: Connection, recipient: str = "", domain: str = "") -> list[Waiting]:
    """Return the copies that wait in the outbox by the last answer, most first."""
    number = func.count()
    query = (
        select(OUTBOX.c.last_reply, number, func.min(OUTBOX.c.created_at), func.max(OUTBOX.c.tries))
        .join(COPY, COPY.c.outbox_id == OUTBOX.c.id)
        .where(*_of(recipient, domain))
        .group_by(OUTBOX.c.last_reply)
        .order_by(number.desc(), OUTBOX.c.last_reply)
    )
    return [Waiting(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def overdue(connection: Connection, days: float) -> tuple[int, int]:
    """Return how many copies have been held longer than so many days, and the octets of their messages."""
    query = select(func.count(), func.coalesce(func.sum(COPY.c.size), 0)).where(transitions.overdue(days))
    number, octets = connection.execute(query).one()
    return int(number), int(octets)


def spooled(connection: Connection) -> tuple[int, int]:
    """Return the number of contents in the spool, and their octets."""
    number, octets = connection.execute(select(func.count(), func.coalesce(func.sum(CONTENT.c.size), 0))).one()
    return int(number), int(octets)


def possible_duplicates(connection: Connection) -> int:
    """Return how many copies were sent again although they may have arrived."""
    query = select(COUNTER.c.number).where(COUNTER.c.name == POSSIBLE_DUPLICATES)
    return int(connection.execute(query).scalar() or 0)


def _of(recipient: str, domain: str) -> list[ColumnElement[bool]]:
    if recipient:
        return [COPY.c.recipient == recipient]
    return [COPY.c.domain == domain] if domain else []


def _counted(by: Sequence[ColumnElement[Any]], conditions: Sequence[ColumnElement[bool]]) -> Any:
    columns = (COPY.c.state, func.count(), func.sum(COPY.c.size), func.min(COPY.c.held_at), *by)
    return select(*columns).where(*conditions).group_by(*by, COPY.c.state)


def _add(total: Amount, row: Any) -> None:
    state = State(row[0])
    total.copies[state] += row[1]
    if state is State.HELD:
        total.octets, total.oldest = int(row[2]), row[3]
