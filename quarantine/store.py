"""Holding mail: what is known of a message goes into SQL, in one transaction, once its octets are durable.

The same message brought again by the same client within a day, because the first answer was lost, finds what was
written the first time: it is neither held nor copied twice (SPEC, section 3; RFC 1047).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tamis import faults, schema
from tamis.database import open_database, sqlite_file
from tamis.quarantine.records import NewCopy, NewMessage, State, encode_changes, encode_fields, stored_changes
from tamis.quarantine.spool import Spool
from tamis.quarantine.tables import CONTENT, COPY, COUNTER, MESSAGE, OUTBOX

SAME_MESSAGE: Final = timedelta(hours=24)
"""Within this time the same envelope and content are one message, brought again."""

_ALREADY_THERE: Final = (State.HELD, State.RELEASED, State.DELIVERED)


def now() -> datetime:
    """The time as the tables keep it: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


def storable(text: str, length: int) -> str:
    """Return wire data as every database takes it: no NUL, nothing that is not Unicode, capped."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")[:length]


def upsert(connection: Connection, table: Any) -> Any:
    """Return the INSERT of this database that knows ON CONFLICT."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def count(connection: Connection, name: str, number: int = 1) -> None:
    """Add to a counter."""
    statement = upsert(connection, COUNTER).values(name=name, number=number)
    added = COUNTER.c.number + statement.excluded.number
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"number": added}))


def lock_contents(connection: Connection, sizes: Mapping[str, int]) -> None:
    """Lock the rows of contents until the end of the transaction; make those that are not there."""
    moment = now()
    # In one order, so that two transactions never wait for each other.
    rows = [{"digest": digest, "size": sizes[digest], "stored_at": moment} for digest in sorted(sizes)]
    statement = upsert(connection, CONTENT)
    latest = {"stored_at": statement.excluded.stored_at}
    connection.execute(statement.on_conflict_do_update(index_elements=["digest"], set_=latest), rows)


class Store:
    """The tables of held mail. Make one after fork; any number of threads may use it."""

    def __init__(self, url: str, spool: Spool) -> None:
        self._url = url
        self.spool = spool
        self._engine: Engine | None = None
        self._checked = False

    def exists(self) -> bool:
        """Whether there is a database; one of SQLite is made by the first change."""
        file = sqlite_file(self._url)
        return file is None or file.exists()

    def engine(self) -> Engine:
        """The database, its tables up to date. Raises `sqlalchemy.exc.SQLAlchemyError`."""
        if self._engine is None:
            self._engine = open_database(self._url)
        if not self._checked:
            schema.upgrade(self._engine)
            self._checked = True
        return self._engine

    @contextmanager
    def transaction(self) -> Any:
        """A transaction. Raises `sqlalchemy.exc.SQLAlchemyError`."""
        with self.engine().begin() as connection:
            yield connection

    def write(self, messages: Sequence[NewMessage]) -> None:
        """Write messages whose octets have been stored; when it returns they survive a power cut.

        Raises `OSError` or `sqlalchemy.exc.SQLAlchemyError`: then nothing was written.
        """
        self.spool.settle(message.incoming.digest for message in messages)
        with self.transaction() as connection:
            lock_contents(connection, {message.incoming.digest: message.incoming.size for message in messages})
            faults.point("hold.locked")
            for message in messages:
                # Whoever removes a content holds the lock that is ours now.
                if not self.spool.holds(message.incoming.digest):
                    message.incoming.restore()
            self._insert(connection, messages)
            faults.point("hold.inserted")
        faults.point("hold.committed")

    def _insert(self, connection: Connection, messages: Sequence[NewMessage]) -> None:
        known = self._known(connection, messages)
        new_messages: list[dict[str, Any]] = []
        new_copies: list[dict[str, Any]] = []
        new_outbox: dict[str, dict[str, Any]] = {}
        seen: list[str] = []
        for message in messages:
            copies = []
            for copy in message.copies:
                key = (message.incoming.digest, message.sender_key, copy.verdict.recipient, " ".join(copy.legs))
                if key in known:
                    seen.append(known[key])
                    continue
                copies.append(copy)
                known[key] = f"{message.id}.{len(copies)}"
            if not copies:
                continue
            new_messages.append(_message_row(message))
            new_copies.extend(_copy_row(message, copy, number) for number, copy in enumerate(copies, 1))
            for copy in copies:
                if copy.outbox is not None:
                    new_outbox[copy.outbox.id] = _outbox_row(message, copy)
        for table, rows in ((MESSAGE, new_messages), (COPY, new_copies), (OUTBOX, list(new_outbox.values()))):
            if rows:
                connection.execute(insert(table), rows)
        if seen:
            connection.execute(update(COPY).where(COPY.c.id.in_(seen)).values(seen=COPY.c.seen + 1))

    def _known(self, connection: Connection, messages: Iterable[NewMessage]) -> dict[tuple[str, str, str, str], str]:
        """The copies of these messages that are there already, by content, sender, recipient and legs."""
        digests = {message.incoming.digest for message in messages}
        query = (
            select(MESSAGE.c.digest, MESSAGE.c.sender_key, COPY.c.recipient, COPY.c.legs, COPY.c.id)
            .join(COPY, COPY.c.message_id == MESSAGE.c.id)
            .where(MESSAGE.c.digest.in_(digests), MESSAGE.c.received_at > now() - SAME_MESSAGE)
            .where(COPY.c.state.in_(_ALREADY_THERE))
        )
        return {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(query)}


def _message_row(message: NewMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "digest": message.incoming.digest,
        "size": message.incoming.size,
        "received_at": message.received_at.astimezone(UTC).replace(tzinfo=None),
        "sender": storable(message.sender, 320),
        "sender_key": storable(message.sender_key, 320),
        "mail_parameters": storable(message.mail_parameters, 2000),
        "peer": message.peer,
        "rdns": storable(message.rdns, 255),
        "helo": storable(message.helo, 255),
        "queue_id": storable(message.queue_id, 64),
        "header_id": storable(message.header_id, 255),
        "author": storable(message.author, 255),
        "subject": storable(message.subject, 255),
    }


def _copy_row(message: NewMessage, copy: NewCopy, number: int) -> dict[str, Any]:
    verdict, moment = copy.verdict, now()
    row = verdict.row
    return {
        "id": f"{message.id}.{number}",
        "message_id": message.id,
        "recipient": storable(verdict.recipient, 320),
        "domain": storable(verdict.recipient.rpartition("@")[2], 253),
        "rcpt_to": storable(copy.rcpt_to, 320),
        "rcpt_parameters": storable(copy.rcpt_parameters, 2000),
        "legs": storable(" ".join(copy.legs), 100_000),
        "state": copy.state.value,
        "action": verdict.action,
        "mode": verdict.mode,
        "row": row.number if row else "",
        "row_name": row.name if row else "",
        "test": storable(verdict.test, 64),
        "because": storable(verdict.because, 300),
        "score": verdict.score,
        "level": verdict.level,
        "malware": verdict.malware,
        "fields": encode_fields(copy.fields),
        "held_at": moment,
        "changed_at": moment,
        "changed_by": "",
        "seen": 1,
        "outbox_id": copy.outbox.id if copy.outbox else None,
    }


def _outbox_row(message: NewMessage, copy: NewCopy) -> dict[str, Any]:
    assert copy.outbox is not None
    moment = now()
    return {
        "id": copy.outbox.id,
        "message_id": message.id,
        "kind": "parted",
        "expand": copy.outbox.expand,
        "changes": encode_changes(stored_changes(copy.outbox.changes)),
        "created_at": moment,
        "next_at": moment,
        "tries": 0,
        "claimed_by": "",
        "claimed_at": None,
        "at_dot": False,
        "last_reply": "",
    }
