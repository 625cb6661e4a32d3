"""Complaints in the database, and the proposals that follow: a person decides by their number and their type.

Each report counts once for each that it accuses, however often it is read. Of who complained only a digest is kept.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, insert, or_, select, update

from tamis.complaints import Complaint, Kind, Proposal, State, checked_value, kind_of
from tamis.database import LIST_ENTRY
from tamis.list_rows import put, storable, take_away
from tamis.list_store import ListStore, raise_version
from tamis.lists import PLATFORM, BadEntry
from tamis.reputation_tables import COMPLAINT, PROPOSAL
from tamis.sender_weights import HALF_LIFE_DAYS
from tamis.weight_store import VERSION_NAME, complain

_AT_ONCE: Final = 200
_AGAIN: Final = 2
"""What was dismissed is open again when it has this many times the complaints."""


class ComplaintStore:
    """The complaints and proposals in the database of the lists."""

    def __init__(self, url: str, half_life_days: float = HALF_LIFE_DAYS) -> None:
        """`half_life_days`: how fast fades what was learned of senders."""
        self._store = ListStore(url)
        self._half_life = half_life_days

    def record(self, complaints: Iterable[Complaint]) -> tuple[int, int]:
        """Keep complaints; return how many are new, and how many were known. Raises SQLAlchemyError.

        Of a sender, each new one counts at once against what it has earned for row 7: the most that forged ones do
        is that its mail is judged as that of strangers.
        """
        latest = {(one.kind, one.value, one.report): one for one in complaints}
        new: list[Complaint] = []
        with self._store.change("complaints") as connection:
            everything = list(latest.values())
            for start in range(0, len(everything), _AT_ONCE):
                new += _insert_new(connection, everything[start : start + _AT_ONCE])
            for kind, value in dict.fromkeys((one.kind, one.value) for one in new):
                _propose(connection, kind, value)
            for one in new:
                if one.kind is Kind.DOMAIN:
                    raise_version(connection, VERSION_NAME)
                if one.kind is Kind.SENDER:
                    complain(connection, one.value, self._half_life, one.source, datetime.now(UTC))
        return len(new), len(latest) - len(new)

    def proposals(self, state: State | None = None, kind: Kind | None = None, limit: int = 0) -> list[Proposal]:
        """Return proposals, those with the most reporters first; all, or at most `limit`."""
        table, now = PROPOSAL.c, _stored(datetime.now(UTC))
        holds = or_(LIST_ENTRY.c.expires_at.is_(None), LIST_ENTRY.c.expires_at > now)
        listed = and_(
            LIST_ENTRY.c.value == table.value,
            LIST_ENTRY.c.domain == PLATFORM,
            or_(*(and_(table.kind == one.value, LIST_ENTRY.c.list == one.list.value) for one in Kind)),
            holds,
        )
        query = (
            select(PROPOSAL, LIST_ENTRY.c.id.label("entry"))
            .outerjoin(LIST_ENTRY, listed)
            .order_by(table.reporters.desc(), table.complaints.desc(), table.last_seen.desc(), table.value)
        )
        if state is not None:
            query = query.where(table.state == state.value)
        if kind is not None:
            query = query.where(table.kind == kind.value)
        if limit:
            query = query.limit(limit)
        with self._store.read() as connection:
            if connection is None or not connection.dialect.has_table(connection, PROPOSAL.name):
                return []
            return [_proposal(row) for row in connection.execute(query)]

    def accept(self, value: str, by: str, expires: datetime | None, note: str = "") -> Kind:
        """List what is proposed. Raises `BadEntry` where it is not, and SQLAlchemyError."""
        kind, normalised = self._named(value)
        with self._store.change() as connection:
            row = _decide(connection, kind, normalised, State.LISTED, by, note)
            words = note or f"{row.complaints} complaints of {row.reporters} reporters: {row.types}"
            put(connection, kind.list, normalised, PLATFORM, by, expires, words)
        return kind

    def dismiss(self, value: str, by: str, note: str = "") -> bool:
        """Decide that what is proposed is not listed; return whether it was, and no longer is. Raises as `accept`."""
        kind, normalised = self._named(value)
        with self._store.change() as connection:
            _decide(connection, kind, normalised, State.DISMISSED, by, note)
            raise_version(connection, VERSION_NAME)
            return take_away(connection, kind.list, normalised, PLATFORM)

    def _named(self, value: str) -> tuple[Kind, str]:
        kind = kind_of(value)
        return kind, checked_value(kind, value)


def _insert_new(connection: Connection, complaints: Sequence[Complaint]) -> list[Complaint]:
    """Insert the complaints that are not there, and return them."""
    table = COMPLAINT.c
    reports = [one.report for one in complaints]
    query = select(table.kind, table.value, table.report).where(table.report.in_(reports))
    known = {(row.kind, row.value, row.report) for row in connection.execute(query)}
    new = [one for one in complaints if (one.kind.value, one.value, one.report) not in known]
    rows = [
        {
            "kind": one.kind.value,
            "value": one.value,
            "report": one.report,
            "reporter": _digest(one.reporter),
            "type": one.type,
            "at": _stored(one.at),
            "source": storable(one.source),
        }
        for one in new
    ]
    if rows:
        connection.execute(insert(COMPLAINT), rows)
    return new


def _propose(connection: Connection, kind: Kind, value: str) -> None:
    """Count the complaints of an accused anew, and open what is to be decided, or to be decided again."""
    table = COMPLAINT.c
    query = select(table.reporter, table.type, table.at).where(table.kind == kind.value, table.value == value)
    found = connection.execute(query).all()
    types = Counter(row.type for row in found)
    numbers = {
        "complaints": len(found),
        "reporters": len({row.reporter for row in found}),
        "types": ", ".join(f"{number} {name}" for name, number in sorted(types.items(), key=lambda t: (-t[1], t[0]))),
        "first_seen": min(row.at for row in found),
        "last_seen": max(row.at for row in found),
    }
    here = (PROPOSAL.c.kind == kind.value, PROPOSAL.c.value == value)
    row = connection.execute(select(PROPOSAL).where(*here).with_for_update()).one_or_none()
    if row is None:
        empty = {"decided_by": "", "decided_at": None, "decided_complaints": 0, "note": ""}
        new = {"kind": kind.value, "value": value, "state": State.OPEN.value, **empty}
        connection.execute(insert(PROPOSAL).values(**new, **numbers))
        return
    again = row.state == State.DISMISSED and len(found) >= _AGAIN * max(1, row.decided_complaints)
    over = row.state == State.LISTED and not _is_listed(connection, kind, value)
    state = State.OPEN.value if again or over else row.state
    connection.execute(update(PROPOSAL).where(*here).values(state=state, **numbers))


def _is_listed(connection: Connection, kind: Kind, value: str) -> bool:
    table = LIST_ENTRY.c
    query = select(table.expires_at).where(
        table.list == kind.list.value, table.domain == PLATFORM, table.value == value
    )
    row = connection.execute(query).one_or_none()
    return row is not None and (row.expires_at is None or row.expires_at > _stored(datetime.now(UTC)))


def _decide(connection: Connection, kind: Kind, value: str, state: State, by: str, note: str) -> Any:
    here = (PROPOSAL.c.kind == kind.value, PROPOSAL.c.value == value)
    row = connection.execute(select(PROPOSAL).where(*here).with_for_update()).one_or_none()
    if row is None:
        raise BadEntry(f"there is no proposal for {value}")
    connection.execute(
        update(PROPOSAL)
        .where(*here)
        .values(
            state=state.value,
            decided_by=storable(by),
            decided_at=_stored(datetime.now(UTC)),
            decided_complaints=row.complaints,
            note=storable(note),
        )
    )
    return row


def _proposal(row: Any) -> Proposal:
    return Proposal(
        kind=Kind(row.kind),
        value=row.value,
        complaints=row.complaints,
        reporters=row.reporters,
        types=row.types,
        first_seen=row.first_seen.replace(tzinfo=UTC),
        last_seen=row.last_seen.replace(tzinfo=UTC),
        state=State(row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at.replace(tzinfo=UTC) if row.decided_at else None,
        note=row.note,
        on_list=row.entry is not None,
    )


def _digest(words: str) -> str:
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=20, person=b"tamis reporter").hexdigest()


def _stored(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
