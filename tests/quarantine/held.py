"""Messages to hold, for the tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from tamis.filters.order import BY_NAME
from tamis.headers import Changes
from tamis.mail import new_id
from tamis.quarantine.records import NewCopy, NewMessage, NewOutbox
from tamis.quarantine.rows import now
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.quarantine.tables import CONTENT, COPY, COUNTER, EVENT, MESSAGE, OUTBOX
from tamis.record import Verdict

RAW = b"From: ann@sender.example\r\nSubject: hello\r\n\r\nbody\r\n"
FIELDS = (("X-Tamis-Verdict", "spam; action=hold"),)


def verdict(recipient: str = "bob@example.org", action: str = "hold", **values: Any) -> Verdict:
    wanted: dict[str, Any] = {
        "spam": True,
        "mode": "quarantine",
        "level": 7.5,
        "score": 8420,
        "tests": (("BAYES", 8420),),
        "row": BY_NAME["bayes"],
        "because": "score 8.42 reaches the level 7.5",
    }
    return Verdict(recipient=recipient, action=action, **{**wanted, **values})


def copy(recipient: str = "bob@example.org", legs: Sequence[str] = (), **values: Any) -> NewCopy:
    """A held copy; `values` change its verdict."""
    return NewCopy(verdict(recipient, **values), recipient, legs=tuple(legs), fields=FIELDS)


def parted(*recipients: str, outbox: NewOutbox | None = None, legs: Sequence[str] = ()) -> tuple[NewCopy, ...]:
    """Copies that go out together."""
    outbox = outbox or NewOutbox(new_id(), Changes(remove=["X-Spam-Status"], add=list(FIELDS), subject="SPAM: hello"))
    return tuple(
        NewCopy(verdict(one, "tag"), one, legs=tuple(legs), fields=FIELDS, outbox=outbox) for one in recipients
    )


def message(spool: Spool, *copies: NewCopy, raw: bytes = RAW, **values: Any) -> NewMessage:
    """A message whose octets are stored; to bob@example.org alone unless there are copies."""
    incoming = spool.incoming()
    incoming.write(raw)
    incoming.store()
    wanted: dict[str, Any] = {
        "id": new_id(),
        "received_at": datetime.now(UTC),
        "sender": "ann@sender.example",
        "sender_key": "ann@sender.example",
        "mail_parameters": "",
        "peer": "192.0.2.7",
        "rdns": "mail.sender.example",
        "helo": "mail.sender.example",
        "queue_id": "4XyZ12",
        "header_id": "<1@sender.example>",
        "author": "ann@sender.example",
        "subject": "hello",
    }
    return NewMessage(incoming=incoming, copies=copies or (copy(),), **{**wanted, **values})


def hold(store: Store, *copies: NewCopy, **values: Any) -> str:
    """Hold a message as the daemon does, and return its id."""
    new = message(store.spool, *copies, **values)
    store.write([new])
    new.incoming.discard()
    return new.id


def age(store: Store, days: float, *copy_ids: str) -> None:
    """Make copies older: all, or those that are named."""
    moment = now() - timedelta(days=days)
    statement = update(COPY).values(held_at=moment, changed_at=moment)
    with store.transaction() as connection:
        connection.execute(statement.where(COPY.c.id.in_(copy_ids)) if copy_ids else statement)


def states(store: Store) -> dict[str, str]:
    """The state of each copy."""
    with store.transaction() as connection:
        return {row[0]: row[1] for row in connection.execute(select(COPY.c.id, COPY.c.state).order_by(COPY.c.id))}


def events(store: Store, copy_id: str) -> list[tuple[str, str, str]]:
    """State, who and note of each change of a copy."""
    query = select(EVENT.c.state, EVENT.c.by, EVENT.c.note).where(EVENT.c.copy_id == copy_id).order_by(EVENT.c.id)
    with store.transaction() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def counter(store: Store, name: str) -> int:
    with store.transaction() as connection:
        return int(connection.execute(select(COUNTER.c.number).where(COUNTER.c.name == name)).scalar() or 0)


def contents(store: Store) -> set[str]:
    """The names of contents that the database knows."""
    with store.transaction() as connection:
        return set(connection.execute(select(CONTENT.c.digest)).scalars())


def rows(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    tables = (CONTENT, MESSAGE, COPY, OUTBOX, EVENT)
    with store.transaction() as connection:
        return {table.name: len(connection.execute(select(table)).all()) for table in tables}
