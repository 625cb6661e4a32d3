"""Finding held mail: copies by page, the newest first, and one message with all that is known of it. Only reads."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    union_all,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import ARRAY

from tamis.quarantine.records import State
from tamis.quarantine.tables import COPY, EVENT, HELD, MESSAGE, OUTBOX
from tamis.quarantine.words import plain, some_pairs

NAME: Final = re.compile(r"([0-9a-f]{16})(\.[0-9]{1,3})?")
"""Our id of a message, or of one of its copies."""
_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which copies are looked for; what is empty does not matter. Addresses and domains are normalised.

    `sender` may be the null sender, so None where it does not matter. `text` is looked for in subject, sender,
    author and Message-ID, whatever its case. `since` and `until` are UTC, as the tables keep it: held at or after
    the one, before the other. Copies for a recipient that is `hidden` are never found.
    """

    states: Sequence[State] = tuple(State)
    recipient: str = ""
    domain: str = ""
    sender: str | None = None
    text: str = ""
    message_id: str = ""
    queue_id: str = ""
    peer: str = ""
    row: str = ""
    since: datetime | None = None
    until: datetime | None = None
    hidden: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One copy in a list. Times are UTC, as the tables keep it; `score` is in thousandths of a point."""

    id: str
    message_id: str
    state: State
    recipient: str
    held_at: datetime
    changed_at: datetime
    changed_by: str
    size: int
    row: str
    row_name: str
    test: str
    because: str
    score: int
    level: float
    malware: bool
    seen: int
    sender: str
    author: str
    subject: str
    peer: str


@dataclass(frozen=True, slots=True)
class Copy:
    """All that is known of a copy: its row, its changes of state, and how it is on its way out, if it is."""

    row: dict[str, Any]
    events: list[dict[str, Any]]
    outbox: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Whole:
    """A message with its copies."""

    row: dict[str, Any]
    copies: list[Copy]


_LISTED: Final = [
    (MESSAGE if name in ("sender", "author", "subject", "peer") else COPY).c[name]
    for name in Found.__dataclass_fields__
]


def find(connection: Connection, wanted: Wanted, limit: int, after: str = "") -> list[Found]:
    """Return copies, the newest first; `after` is the last one of the page before.

    Raises `KeyError` where that copy is not there.
    """
    conditions = _of_the_copy(wanted)
    if after:
        conditions.append(_older_than(connection, after))
    of_the_message = _of_the_message(wanted)
    newest = (COPY.c.held_at.desc(), COPY.c.id.desc())
    page = select(COPY.c.id, COPY.c.held_at).where(*conditions).order_by(*newest).limit(limit)
    if of_the_message:
        # Few messages are meant. No index of states may be asked: it leads to all others, too.
        states = COPY.c.state.concat("").in_([state.value for state in wanted.states])
        page = page.join(MESSAGE, MESSAGE.c.id == COPY.c.message_id).where(states, *of_the_message)
    else:
        # The copies of each state stand in their order in an index.
        parts = [select(page.where(*_in_state(connection, state, wanted)).subquery()) for state in wanted.states]
        united = union_all(*parts).subquery()
        page = select(united).order_by(united.c.held_at.desc(), united.c.id.desc()).limit(limit)
    chosen = page.subquery()
    query = (
        select(*_LISTED)
        .join_from(chosen, COPY, COPY.c.id == chosen.c.id)
        .join(MESSAGE, MESSAGE.c.id == COPY.c.message_id)
        .order_by(*newest)
    )
    return [_found(row) for row in connection.execute(query)]


def _of_the_copy(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = [
        COPY.c[name] == value
        for name, value in (("recipient", wanted.recipient), ("domain", wanted.domain), ("row", wanted.row))
        if value
    ]
    if text := plain(wanted.text):
        conditions.append(COPY.c.words.like("%" + re.sub(r"([/%_])", r"/\1", text) + "%", escape="/"))
    if wanted.since is not None:
        conditions.append(COPY.c.held_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(COPY.c.held_at < wanted.until)
    if wanted.hidden:
        conditions.append(COPY.c.recipient.not_in(sorted(wanted.hidden)))
    return conditions


def _in_state(connection: Connection, state: State, wanted: Wanted) -> list[ColumnElement[bool]]:
    text = plain(wanted.text)
    if state is not State.HELD or not text or connection.dialect.name != "postgresql":
        return [COPY.c.state == state.value]
    asked = bindparam(None, some_pairs(text), type_=ARRAY(Integer))
    return [literal_column(str(HELD), Boolean), COPY.c.pairs.op("@>", is_comparison=True)(asked)]


def _of_the_message(wanted: Wanted) -> list[ColumnElement[bool]]:
    values = {"id": wanted.message_id, "queue_id": wanted.queue_id, "peer": wanted.peer}
    conditions = [MESSAGE.c[name] == value for name, value in values.items() if value]
    if wanted.sender is not None:
        conditions.append(MESSAGE.c.sender_key == wanted.sender)
    return conditions


def _older_than(connection: Connection, copy_id: str) -> ColumnElement[bool]:
    held_at = connection.execute(select(COPY.c.held_at).where(COPY.c.id == copy_id)).scalar()
    if held_at is None:
        raise KeyError(copy_id)
    return and_(COPY.c.held_at <= held_at, or_(COPY.c.held_at < held_at, COPY.c.id < copy_id))


def _found(row: Any) -> Found:
    state, *rest = row[2:]
    return Found(row[0], row[1], State(state), *rest)


def named(connection: Connection, name: str) -> list[Found]:
    """Return the copies of a message, or the one copy, of that id; none where there is none."""
    whole = NAME.fullmatch(name)
    if whole is None:
        return []
    which = COPY.c.id == name if whole[2] else COPY.c.message_id == name
    query = select(*_LISTED).join(MESSAGE, MESSAGE.c.id == COPY.c.message_id).where(which)
    return sorted(map(_found, connection.execute(query)), key=lambda copy: int(copy.id.partition(".")[2]))


def copies(connection: Connection, ids: Sequence[str]) -> list[Found]:
    """Return the copies of these ids, in their order; what is no longer known is left out."""
    found: dict[str, Found] = {}
    for start in range(0, len(ids), _TOGETHER):
        which = COPY.c.id.in_(ids[start : start + _TOGETHER])
        query = select(*_LISTED).join(MESSAGE, MESSAGE.c.id == COPY.c.message_id).where(which)
        found.update({copy.id: copy for copy in map(_found, connection.execute(query))})
    return [found[one] for one in ids if one in found]


def held_of(connection: Connection, recipient: str) -> list[str]:
    """Return the ids of all held copies of an address."""
    query = select(COPY.c.id).where(COPY.c.recipient == recipient, COPY.c.state == State.HELD.value)
    return list(connection.execute(query.order_by(COPY.c.held_at)).scalars())


def whole(connection: Connection, copies: Sequence[Found]) -> Whole:
    """Return all that is known of copies of one message. Raises `sqlalchemy.exc.NoResultFound`."""
    message = connection.execute(select(MESSAGE).where(MESSAGE.c.id == copies[0].message_id)).mappings().one()
    return Whole(dict(message), [_copy(connection, copy.id) for copy in copies])


def _copy(connection: Connection, copy_id: str) -> Copy:
    row = dict(connection.execute(select(COPY).where(COPY.c.id == copy_id)).mappings().one())
    events = connection.execute(select(EVENT).where(EVENT.c.copy_id == copy_id).order_by(EVENT.c.id)).mappings()
    outbox = None
    if row["outbox_id"]:
        outbox = connection.execute(select(OUTBOX).where(OUTBOX.c.id == row["outbox_id"])).mappings().first()
    return Copy(row, [dict(event) for event in events], dict(outbox) if outbox else None)
