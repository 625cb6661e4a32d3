"""Who is told that a message of theirs is held: decided once for each copy, one notice to a person and day at most.

Several keepers may do so at once. Each decision is a change that asks for the state it starts from; the number of the
day is raised in the transaction that takes the person's turn.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, delete, or_, select, update

from tamis.notice_tables import SENDER_NOTICE
from tamis.quarantine.letter_queue import Due, LetterQueue, fresh
from tamis.quarantine.records import State
from tamis.quarantine.rows import key, now, storable
from tamis.quarantine.store import Store, upsert
from tamis.quarantine.tables import COPY, COUNTER, MESSAGE
from tamis.telling import RELEASABLE, Telling, person

_AGAIN: Final = timedelta(hours=24)
"""Between two notices to the same person."""
_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """A held copy whose sender may be told."""

    copy_id: str
    message_id: str
    sender: str
    sender_key: str
    recipient: str


@dataclass(frozen=True, slots=True)
class HeldOfSender:
    """What a sender may know of a held copy."""

    copy_id: str
    message_id: str
    recipient: str
    domain: str
    subject: str
    received_at: datetime
    digest: str
    header_id: str


def decide(store: Store, refusal: Callable[[Waiting], Telling | None], most_a_day: int) -> int:
    """Decide for each waiting copy whether its sender is told; return how many were decided.

    `refusal` says why the policy of the recipient wants no notice, None where it does. Raises
    `sqlalchemy.exc.SQLAlchemyError`.
    """
    columns = (COPY.c.id, COPY.c.message_id, MESSAGE.c.sender, MESSAGE.c.sender_key, COPY.c.recipient)
    query = select(*columns).join(MESSAGE, MESSAGE.c.id == COPY.c.message_id)
    query = query.where(COPY.c.telling == Telling.WAITING.value).order_by(COPY.c.held_at).limit(_TOGETHER)
    with store.transaction() as connection:
        found = [Waiting(*row) for row in connection.execute(query)]
    people: dict[str, list[Waiting]] = {}
    for copy in found:
        why_not = refusal(copy)
        if why_not is None:
            people.setdefault(person(copy.sender_key), []).append(copy)
        else:
            with store.transaction() as connection:
                _tell(connection, [copy], why_not)
    for who, copies in people.items():
        with store.transaction() as connection:
            _tell(connection, copies, _turn(connection, who, copies[0], most_a_day))
    return len(found)


def _turn(connection: Connection, who: str, copy: Waiting, most_a_day: int) -> Telling:
    """Take the turn of a person, if it has one: not within a day of the last, nor above the number of the day."""
    moment = now()
    long_ago = or_(SENDER_NOTICE.c.asked_at <= moment - _AGAIN, SENDER_NOTICE.c.asked_at > moment + _AGAIN)
    recent = select(SENDER_NOTICE.c.person).where(SENDER_NOTICE.c.person == key(who), ~long_ago)
    if connection.execute(recent).first():
        return Telling.LISTED
    # The number first, always: whoever has its row is alone.
    name = f"notices {moment:%Y-%m-%d}"
    connection.execute(upsert(connection, COUNTER).values(name=name, number=0).on_conflict_do_nothing())
    here = COUNTER.c.name == name
    more = update(COUNTER).where(here, COUNTER.c.number < most_a_day).values(number=COUNTER.c.number + 1)
    if not connection.execute(more).rowcount:
        return Telling.CAPPED
    values = {
        "sender": storable(copy.sender, 2048),
        "sender_key": copy.sender_key,
        "message_id": copy.message_id,
        "asked_at": moment,
        **fresh(),
    }
    statement = upsert(connection, SENDER_NOTICE).values(person=key(who), **values)
    taken = statement.on_conflict_do_update(index_elements=["person"], set_=values, where=long_ago)
    # Of an INSERT, not every driver says how many rows it was.
    if connection.execute(taken.returning(SENDER_NOTICE.c.person)).first() is None:
        connection.execute(update(COUNTER).where(here).values(number=COUNTER.c.number - 1))
        return Telling.LISTED
    return Telling.SENDING


def _tell(connection: Connection, copies: Iterable[Waiting], what: Telling) -> None:
    ids = [copy.copy_id for copy in copies]
    waiting = and_(COPY.c.id.in_(ids), COPY.c.telling == Telling.WAITING.value)
    connection.execute(update(COPY).where(waiting).values(telling=what.value))


def queue(store: Store) -> LetterQueue:
    """Return the notices that are to be sent."""
    return LetterQueue(store, SENDER_NOTICE, SENDER_NOTICE.c.person)


def finish(store: Store, notice: Due, state: str, reply: str, telling: Telling) -> None:
    """Write down what became of a notice, and with it of the copies that it was about."""
    with store.transaction() as connection:
        queue(store).finish(connection, notice, state, reply)
        ours = select(MESSAGE.c.id).where(MESSAGE.c.sender_key == notice.row.sender_key)
        mine = update(COPY).where(COPY.c.message_id.in_(ours), COPY.c.telling == Telling.SENDING.value)
        connection.execute(mine.values(telling=telling.value))


def held_of_sender(connection: Connection, sender_key: str, most: int) -> list[HeldOfSender]:
    """Return what is held of a proven sender and may be released by it, the newest first.

    What others have sent under its name is not among it, nor malware.
    """
    columns = [
        (COPY if name in ("message_id", "recipient", "domain") else MESSAGE).c[name]
        for name in HeldOfSender.__dataclass_fields__
        if name != "copy_id"
    ]
    query = (
        select(COPY.c.id, *columns)
        .join(MESSAGE, MESSAGE.c.id == COPY.c.message_id)
        .where(MESSAGE.c.sender_key == sender_key, COPY.c.state == State.HELD.value, ~COPY.c.malware)
        .where(COPY.c.telling.in_([one.value for one in RELEASABLE]))
        .order_by(COPY.c.held_at.desc(), COPY.c.id)
        .limit(most)
    )
    return [HeldOfSender(*row) for row in connection.execute(query)]


def forget(store: Store) -> None:
    """Forget notices that no longer keep anybody from another one, and numbers of days that are over."""
    past = now() - 2 * _AGAIN
    days: Sequence[str] = [f"notices {now() - timedelta(days=days):%Y-%m-%d}" for days in range(2, 60)]
    with store.transaction() as connection:
        connection.execute(delete(SENDER_NOTICE).where(SENDER_NOTICE.c.asked_at < past))
        connection.execute(delete(COUNTER).where(COUNTER.c.name.in_(days)))
