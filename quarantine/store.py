"""Holding mail: what is known of a message goes into SQL, in one transaction, once its octets are durable.

The same message brought again, because its client never had an answer, finds what was written the first time: it is
neither held nor copied twice (SPEC, section 3; RFC 1047). Once the MTA has had our answer, the same octets are another
message, which must not be lost; but while the first is held, no other is held beside it within a day.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Text,
    and_,
    any_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)  # fmt: skip
from sqlalchemy.dialects import postgresql, sqlite

from tamis import faults, schema
from tamis.database import open_database, sqlite_file
from tamis.quarantine.records import NewMessage, State, stored_changes
from tamis.quarantine.rows import copy_row, key, legs_of, message_row, now, outbox_row
from tamis.quarantine.spool import Spool
from tamis.quarantine.tables import CONTENT, COPY, COUNTER, MESSAGE, OUTBOX
from tamis.resting import Stamp, stamp_of

SAME_MESSAGE: Final = timedelta(hours=24)
"""Within this time the same envelope and content are one held message."""
NOT_ANSWERED: Final = timedelta(hours=48)
"""The same, where the MTA had no answer: a day, and another for a clock that somebody sets meanwhile."""

_PAGES: Final = 2000
"""Pages of SQLite given back in one step."""
_LOOK_SECONDS: Final = 0.1
"""The longest pause of SQLite between two looks at a file that another process writes."""
_ALREADY_THERE: Final = (State.HELD, State.RELEASED, State.DELIVERED)


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def upsert(connection: Connection, table: Any) -> Any:
    """Return the INSERT of this database that knows ON CONFLICT."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def among(connection: Connection, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Return whether a column has one of thousands of values: as one parameter, since each takes its time."""
    if connection.dialect.name == "sqlite":
        return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))
    return column == any_(bindparam(None, list(values), type_=postgresql.ARRAY(Text)))


def count(connection: Connection, name: str, number: int = 1) -> None:
    """Add to a counter."""
    statement = upsert(connection, COUNTER).values(name=name, number=number)
    added = COUNTER.c.number + statement.excluded.number
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"number": added}))


def lock_contents(connection: Connection, sizes: Mapping[str, int], stored: bool = True) -> None:
    """Lock the rows of contents until the end of the transaction; make those that are not there.

    `stored`: a message has just been stored with them.
    """
    moment = now()
    # In one order, so that two transactions never wait for each other.
    rows = [{"digest": digest, "size": sizes[digest], "stored_at": moment} for digest in sorted(sizes)]
    statement = upsert(connection, CONTENT)
    latest = {"stored_at": statement.excluded.stored_at if stored else CONTENT.c.stored_at}
    connection.execute(statement.on_conflict_do_update(index_elements=["digest"], set_=latest), rows)


def lock_known_contents(connection: Connection, digests: Sequence[str]) -> list[str]:
    """Lock the rows of contents, in the order in which everybody does; return those that are there."""
    if connection.dialect.name == "sqlite":
        # Whoever writes is alone, but reading locks nothing.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    query = select(CONTENT.c.digest).where(among(connection, CONTENT.c.digest, digests)).order_by(CONTENT.c.digest)
    return list(connection.execute(query.with_for_update()).scalars())


def _not_yet_answered(connection: Connection, messages: Sequence[NewMessage]) -> list[str]:
    """Return the copies of these messages of which nobody has written yet that the MTA had an answer."""
    if not messages:
        return []
    theirs = [
        and_(
            MESSAGE.c.digest == message.incoming.digest,
            MESSAGE.c.sender_key == key(message.sender_key),
            COPY.c.recipient.in_([key(copy.verdict.recipient) for copy in message.copies]),
        )
        for message in messages
    ]
    query = select(COPY.c.id).join(MESSAGE, COPY.c.message_id == MESSAGE.c.id)
    query = query.where(MESSAGE.c.digest.in_({message.incoming.digest for message in messages}), or_(*theirs))
    return list(connection.execute(query.where(~COPY.c.answered)).scalars())


def _note(connection: Connection, answered: Sequence[str], seen: Sequence[str]) -> None:
    """Note which copies' messages have been answered, and which the client has brought once more."""
    both = {*answered, *seen}
    if not both:
        return
    # In the order in which everybody locks them.
    connection.execute(select(COPY.c.id).where(COPY.c.id.in_(both)).order_by(COPY.c.id).with_for_update())
    if answered:
        connection.execute(update(COPY).where(COPY.c.id.in_(answered)).values(answered=True))
    if seen:
        connection.execute(update(COPY).where(COPY.c.id.in_(seen)).values(seen=COPY.c.seen + 1))


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

    def stamp(self) -> Stamp | None:
        """Return what is the same as long as nobody writes to the database; None where that cannot be told."""
        return stamp_of(sqlite_file(self._url))

    def engine(self) -> Engine:
        """The database, its tables up to date. Raises `sqlalchemy.exc.SQLAlchemyError`."""
        if self._engine is None:
            self._engine = open_database(self._url)
        if not self._checked:
            schema.upgrade(self._engine)
            self._checked = True
        return self._engine

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """A connection for reading, None where nothing was ever held: whoever only reads makes no tables.

        Raises `sqlalchemy.exc.SQLAlchemyError`.
        """
        file = sqlite_file(self._url)
        if file is not None and not file.exists():
            yield None
            return
        if self._engine is None:
            self._engine = open_database(self._url)
        with self._engine.connect() as connection:
            found = schema.revision(connection)
            if found not in (schema.UNNUMBERED, schema.REVISION):
                raise schema.SchemaError(
                    f"tables of version {found}, not {schema.REVISION}: run tamis database upgrade"
                )
            if connection.dialect.name == "postgresql":
                # Some tens of milliseconds of reading are over sooner than the processes that would share them start.
                connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
            yield connection if found else None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction. Raises `sqlalchemy.exc.SQLAlchemyError`."""
        with self.engine().begin() as connection:
            yield connection

    @contextmanager
    def kept_open(self) -> Iterator[Connection]:
        """A connection for many transactions. Raises `sqlalchemy.exc.SQLAlchemyError`.

        The last to close a file of SQLite writes everything back into it, which takes longer than a commit.
        """
        with self.engine().connect() as connection:
            yield connection

    def let_others_write(self) -> None:
        """Between two long transactions: whoever waits for SQLite looks only so often whether it is free."""
        if self.engine().dialect.name == "sqlite":
            time.sleep(_LOOK_SECONDS)

    def write(self, messages: Sequence[NewMessage], answered: Sequence[NewMessage] = ()) -> None:
        """Write messages whose octets have been stored; when it returns they survive a power cut.

        `answered`: messages written before, of which the MTA has had the answer meanwhile. Raises `OSError` or
        `sqlalchemy.exc.SQLAlchemyError`: then nothing was written.
        """
        self.spool.settle(message.incoming.digest for message in messages)
        with self.transaction() as connection:
            lock_contents(connection, {message.incoming.digest: message.incoming.size for message in messages})
            faults.point("hold.locked")
            for message in messages:
                # Whoever removes a content holds the lock that is ours now.
                if not self.spool.holds(message.incoming.digest):
                    message.incoming.restore()
            # Contents are locked before copies, always.
            self._insert(connection, messages, _not_yet_answered(connection, answered))
            faults.point("hold.inserted")
        faults.point("hold.committed")

    def give_back(self) -> None:
        """Give the disk back what SQLite has free, unless it is little; PostgreSQL sees to that by itself.

        A step is as short as a hold. Raises `sqlalchemy.exc.SQLAlchemyError`.
        """
        if self.engine().dialect.name != "sqlite":
            return
        with self.engine().connect() as connection:
            before = 0
            while (free := _pragma(connection, "freelist_count")) > _pragma(connection, "page_count") / 4:
                if free == before:
                    return  # A file of the first days, which cannot.
                before = free
                driver: Any = connection.connection.driver_connection
                # Not `execute`, which ends after the first page.
                driver.executescript(f"PRAGMA incremental_vacuum({_PAGES})")

    def answered(self, messages: Sequence[NewMessage]) -> None:
        """Remember that the MTA has had the answer to these messages. Raises `sqlalchemy.exc.SQLAlchemyError`."""
        with self.transaction() as connection:
            _note(connection, _not_yet_answered(connection, messages), [])

    def _insert(self, connection: Connection, messages: Sequence[NewMessage], answered: Sequence[str]) -> None:
        known = self._known(connection, messages, answered)
        new_messages: list[dict[str, Any]] = []
        new_copies: list[dict[str, Any]] = []
        new_outbox: dict[str, dict[str, Any]] = {}
        seen: list[str] = []
        for message in messages:
            copies = []
            for copy in message.copies:
                same = (message.incoming.digest, key(message.sender_key), key(copy.verdict.recipient), legs_of(copy))
                if same in known:
                    seen.append(known[same])
                    continue
                copies.append(copy)
                known[same] = f"{message.id}.{len(copies)}"
            if not copies:
                continue
            new_messages.append(message_row(message))
            new_copies.extend(copy_row(message, copy, number) for number, copy in enumerate(copies, 1))
            for out in filter(None, (copy.outbox for copy in copies)):
                new_outbox[out.id] = outbox_row(out.id, message.id, "parted", out.expand, stored_changes(out.changes))
        for table, rows in ((MESSAGE, new_messages), (COPY, new_copies), (OUTBOX, list(new_outbox.values()))):
            if rows:
                connection.execute(insert(table), rows)
        _note(connection, answered, seen)

    def _known(
        self, connection: Connection, messages: Iterable[NewMessage], answered: Sequence[str]
    ) -> dict[tuple[str, str, str, str], str]:
        """The copies of these messages that are there already, by content, sender, recipient and legs."""
        moment = now()
        digests = {message.incoming.digest for message in messages}
        query = (
            select(MESSAGE.c.digest, MESSAGE.c.sender_key, COPY.c.recipient, COPY.c.legs, COPY.c.id)
            .join(COPY, COPY.c.message_id == MESSAGE.c.id)
            .where(MESSAGE.c.digest.in_(digests), COPY.c.state.in_(_ALREADY_THERE))
            .where(
                or_(
                    and_(COPY.c.state == State.HELD.value, MESSAGE.c.received_at > moment - SAME_MESSAGE),
                    and_(~COPY.c.answered, COPY.c.id.not_in(answered), MESSAGE.c.received_at > moment - NOT_ANSWERED),
                )
            )
        )
        return {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(query)}
