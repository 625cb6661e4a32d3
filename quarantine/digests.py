"""Which mailboxes get a digest: once a day, those for which something was held since the last one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from tamis.notice_tables import DIGEST, MAILBOX
from tamis.quarantine.letter_queue import LetterQueue, fresh
from tamis.quarantine.mailboxes import held_of_mailbox
from tamis.quarantine.queries import Found
from tamis.quarantine.records import State
from tamis.quarantine.rows import now
from tamis.quarantine.store import Store, upsert
from tamis.quarantine.tables import COPY

_TOGETHER: Final = 200
_MOST: Final = 1000
"""Held messages of a mailbox that are looked at for a digest."""
_EVER: Final = datetime(1970, 1, 1)
_FORGOTTEN_DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class Held:
    """What a digest is about: `new` since the last one, SPF hits first, and how many are held in all."""

    new: list[Found]
    number: int


def start(store: Store, day: str) -> int:
    """Let mailboxes with something new have a digest for a day, unless they had one; return how many.

    Several keepers may do so at once. Raises `sqlalchemy.exc.SQLAlchemyError`.
    """
    recent = and_(DIGEST.c.mailbox == MAILBOX.c.mailbox, DIGEST.c.day >= day)
    old = and_(DIGEST.c.mailbox == MAILBOX.c.mailbox, DIGEST.c.until >= COPY.c.held_at)
    query = (
        select(MAILBOX.c.mailbox)
        .distinct()
        .join(COPY, COPY.c.recipient == MAILBOX.c.recipient)
        .where(COPY.c.state == State.HELD.value)
        .where(~select(DIGEST.c.mailbox).where(or_(recent, old)).exists())
        .limit(_TOGETHER)
    )
    number = 0
    with store.transaction() as connection:
        for mailbox in sorted(connection.execute(query).scalars()):
            statement = upsert(connection, DIGEST).values(mailbox=mailbox, day=day, until=_EVER, **fresh())
            values = {"day": day, **fresh()}
            mine = statement.on_conflict_do_update(
                index_elements=["mailbox"], set_=values, where=DIGEST.c.day < day
            ).returning(DIGEST.c.mailbox)
            number += connection.execute(mine).first() is not None
    return number


def queue(store: Store) -> LetterQueue:
    """Return the digests that are to be sent."""
    return LetterQueue(store, DIGEST, DIGEST.c.mailbox)


def content(store: Store, mailbox: str, until: datetime) -> Held:
    """Return what a digest is to say that follows one of what was held until then."""
    with store.transaction() as connection:
        held = held_of_mailbox(connection, mailbox, _MOST)
        number = len(held)
        if number == _MOST:
            mine = select(MAILBOX.c.recipient).where(MAILBOX.c.mailbox == mailbox).scalar_subquery()
            every = select(func.count()).where(COPY.c.state == State.HELD.value, COPY.c.recipient.in_(mine))
            number = int(connection.execute(every).scalar() or 0)
    new = [one for one in held if one.held_at > until]
    # Their senders are never told: who else should say that they are here?
    return Held(sorted(new, key=lambda one: one.row != "5"), number)


def forget(store: Store) -> None:
    """Forget mailboxes that have had nothing held for long."""
    with store.transaction() as connection:
        connection.execute(delete(DIGEST).where(DIGEST.c.until < now() - timedelta(days=_FORGOTTEN_DAYS)))
        unused = ~select(COPY.c.id).where(COPY.c.recipient == MAILBOX.c.recipient).exists()
        connection.execute(delete(MAILBOX).where(unused))


def told_until(connection: Connection, mailbox: str, until: datetime) -> None:
    """Remember until when what is held of a mailbox has stood in a digest."""
    connection.execute(update(DIGEST).where(DIGEST.c.mailbox == mailbox).values(until=until))
