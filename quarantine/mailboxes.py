"""Whose held mail is whose: for each address with held mail the mailboxes that its mail goes to.

So one page, and one digest, has all that is held for a person, whatever the aliases and catch-alls it was sent to.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Select, delete, select

from tamis.addresses import base_address
from tamis.destinations import Destination, DestinationUnknown
from tamis.notice_tables import MAILBOX
from tamis.quarantine.queries import Found, copies
from tamis.quarantine.records import State
from tamis.quarantine.rows import key, now
from tamis.quarantine.store import Store, among, upsert
from tamis.quarantine.tables import COPY

Resolve = Callable[[Iterable[str]], Mapping[str, Destination | DestinationUnknown]]
_TOGETHER: Final = 500
_FRESH: Final = timedelta(hours=1)
"""After this time an address is looked up again: aliases change."""


def refresh(store: Store, resolve: Resolve, delimiters: str) -> int:
    """Find the mailboxes of addresses with held mail that are new, or were looked up long ago; return their number.

    Raises `sqlalchemy.exc.SQLAlchemyError`.
    """
    known = select(MAILBOX.c.recipient).where(
        MAILBOX.c.recipient == COPY.c.recipient, MAILBOX.c.found_at > now() - _FRESH
    )
    query = select(COPY.c.recipient).distinct().where(COPY.c.state == State.HELD.value, ~known.exists())
    with store.transaction() as connection:
        recipients = list(connection.execute(query.limit(_TOGETHER)).scalars())
    if not recipients:
        return 0
    rows = [
        {"recipient": recipient, "mailbox": key(mailbox), "found_at": now()}
        for recipient, destination in resolve(recipients).items()
        for mailbox in _mailboxes(recipient, destination, delimiters)
    ]
    with store.transaction() as connection:
        connection.execute(delete(MAILBOX).where(among(connection, MAILBOX.c.recipient, recipients)))
        # Another keeper may have been as fast.
        connection.execute(upsert(connection, MAILBOX).on_conflict_do_nothing(), rows)
    return len(recipients)


def _mailboxes(recipient: str, destination: Destination | DestinationUnknown, delimiters: str) -> list[str]:
    """Where there is no mailbox here, or where that is not known, the address itself stands for whoever has it."""
    found = () if isinstance(destination, DestinationUnknown) else destination.local
    return list(dict.fromkeys(base_address(address, delimiters) for address in found or (recipient,)))


def held_of_mailbox(connection: Connection, mailbox: str, most: int, after: str = "") -> list[Found]:
    """Return what is held of a mailbox, the newest first, from behind a copy on where that is named.

    Raises `KeyError` where that copy is not there.
    """
    query = select(COPY.c.id).where(COPY.c.state == State.HELD.value, COPY.c.recipient.in_(_recipients(mailbox)))
    if after:
        last = connection.execute(select(COPY.c.held_at).where(COPY.c.id == after)).scalar()
        if last is None:
            raise KeyError(after)
        query = query.where((COPY.c.held_at < last) | ((COPY.c.held_at == last) & (COPY.c.id < after)))
    ids = connection.execute(query.order_by(COPY.c.held_at.desc(), COPY.c.id.desc()).limit(most)).scalars()
    return copies(connection, list(ids))


def owned(connection: Connection, mailbox: str, ids: Sequence[str]) -> list[Found]:
    """Return those of the copies that belong to a mailbox, whatever their state."""
    mine = select(COPY.c.id).where(COPY.c.id.in_(ids), COPY.c.recipient.in_(_recipients(mailbox)))
    return copies(connection, list(connection.execute(mine.order_by(COPY.c.id)).scalars()))


def _recipients(mailbox: str) -> Select[tuple[str]]:
    return select(MAILBOX.c.recipient).where(MAILBOX.c.mailbox == key(mailbox))
