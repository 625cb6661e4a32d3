"""The outbox: which copies are to go to the MTA, who is sending them, and what became of it.

A row is claimed by one sender at a time. Before the final dot it is marked: a sender that dies between that dot
and the record of the answer leaves a copy of which nobody knows whether it arrived (RFC 1047). It is sent again, and
counted: that is the one window in which a recipient may get a copy twice.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, or_, select, update

from tamis import faults
from tamis.quarantine.records import State, StoredChanges, decode_changes
from tamis.quarantine.rows import now, storable
from tamis.quarantine.store import Store, count
from tamis.quarantine.tables import COPY, EVENT, MESSAGE, OUTBOX

POSSIBLE_DUPLICATES: Final = "possible_duplicates"
_FOREIGN_CLAIM: Final = timedelta(hours=1)
"""A claim of another machine that is older is taken over; one of this machine when its process is gone."""
_FIRST_WAIT: Final = timedelta(seconds=2)
_LONGEST_WAIT: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One recipient of an outgoing copy. `parameters` are those of its RCPT TO."""

    copy_id: str
    addresses: tuple[str, ...]
    parameters: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One copy to send, with all its recipients."""

    id: str
    message_id: str
    digest: str
    sender: str
    mail_parameters: str
    expand: bool
    changes: StoredChanges
    recipients: tuple[Envelope, ...]
    tries: int


@dataclass(frozen=True, slots=True)
class Result:
    """What the MTA said of one recipient's copy. `left`: the addresses it has not taken; `refused`: for good."""

    copy_id: str
    reply: str
    left: tuple[str, ...] = ()
    refused: bool = False


def claimant() -> str:
    """Name this process: host, process and its start, so that a dead one is told from a living one."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _gone(claimed_by: str) -> bool:
    """Whether a claimant of this machine no longer runs."""
    host, _, rest = claimed_by.partition(" ")
    pid, _, started = rest.partition(" ")
    return host == socket.gethostname() and (not pid.isdigit() or _started(int(pid)) != started)


class TakenOver(Exception):
    """Somebody else sends this copy by now."""


class Outbox:
    """The rows of the outbox as one sender sees them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._me = claimant()
        self._connection: Connection | None = None

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Use one connection for all that is asked meanwhile. Raises `sqlalchemy.exc.SQLAlchemyError`."""
        with self._store.kept_open() as self._connection:
            try:
                yield
            finally:
                self._connection = None

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if self._connection is None:
            with self._store.transaction() as connection:
                yield connection
        else:
            with self._connection.begin():
                yield self._connection

    def claim(self, most: int) -> list[Outgoing]:
        """Take over rows that are due and that nobody is sending, the oldest first."""
        moment = now()
        with self._transaction() as connection:
            # Nothing waits longer: what is to wait until then was written before somebody set the clock back.
            due = or_(OUTBOX.c.next_at <= moment, OUTBOX.c.next_at > moment + _LONGEST_WAIT)
            query = select(OUTBOX).where(due).order_by(OUTBOX.c.next_at, OUTBOX.c.id).limit(20 * most)
            found = [row for row in connection.execute(query) if self._free(row, moment)][:most]
            claimed = [row for row in found if self._take(connection, row, moment)]
            outgoing = [self._load(connection, row) for row in claimed]
        faults.point("send.claimed")
        return outgoing

    def empty(self) -> bool:
        """Whether there is nothing to send, not later either."""
        with self._transaction() as connection:
            return connection.execute(select(OUTBOX.c.id).limit(1)).first() is None

    def _free(self, row: Any, moment: Any) -> bool:
        # Whoever asks for more has finished with what it had, or failed to write it down.
        if row.claimed_by in ("", self._me):
            return True
        # A claim of the future is one of before somebody set the clock back.
        return _gone(row.claimed_by) or bool(row.claimed_at and abs(moment - row.claimed_at) > _FOREIGN_CLAIM)

    def _take(self, connection: Connection, row: Any, moment: Any) -> bool:
        mine = (
            update(OUTBOX)
            .where(OUTBOX.c.id == row.id, OUTBOX.c.claimed_by == row.claimed_by)
            .values(claimed_by=self._me, claimed_at=moment, at_dot=False, tries=OUTBOX.c.tries + 1)
        )
        if not connection.execute(mine).rowcount:
            return False
        if row.at_dot:
            count(connection, POSSIBLE_DUPLICATES)
        return True

    def _load(self, connection: Connection, row: Any) -> Outgoing:
        message = connection.execute(select(MESSAGE).where(MESSAGE.c.id == row.message_id)).one()
        query = select(COPY).where(COPY.c.outbox_id == row.id, COPY.c.state == State.RELEASED.value).order_by(COPY.c.id)
        return Outgoing(
            row.id,
            row.message_id,
            message.digest,
            message.sender,
            message.mail_parameters,
            row.expand,
            decode_changes(row.changes),
            tuple(
                Envelope(copy.id, tuple((copy.legs_left or copy.legs).split()) or (copy.rcpt_to,), copy.rcpt_parameters)
                for copy in connection.execute(query)
            ),
            row.tries + 1,
        )

    def at_dot(self, outgoing: Outgoing) -> None:
        """Remember, durably, that the end of the message is about to be sent. Raises `TakenOver`: it must not be."""
        with self._transaction() as connection:
            if not self._mine(connection, outgoing, at_dot=True):
                raise TakenOver(f"{outgoing.id} is sent by another process")
        faults.point("send.before-dot")

    def record(self, outgoing: Outgoing, results: Sequence[Result], uncertain: bool = False) -> None:
        """Write what became of a copy: taken ones are delivered, refused ones held, the rest is tried again.

        `uncertain`: its end was sent and no answer came, so it may have arrived all the same. Asked again it does
        nothing.
        """
        moment = now()
        waiting = [result for result in results if result.left and not result.refused]
        whole = {envelope.copy_id: envelope.addresses for envelope in outgoing.recipients}
        with self._transaction() as connection:
            if not self._mine(connection, outgoing):
                return
            if uncertain:
                count(connection, POSSIBLE_DUPLICATES)
            for result in results:
                if result.left and result.left != whole[result.copy_id]:
                    # Some of its legs have it: they must not get it again.
                    left = " ".join(result.left)
                    connection.execute(update(COPY).where(COPY.c.id == result.copy_id).values(legs_left=left))
                if not result.left:
                    _move(connection, result.copy_id, State.DELIVERED, result.reply, moment)
                elif result.refused:
                    # The MTA will never take it: it stays here, where somebody can see it.
                    _move(connection, result.copy_id, State.HELD, f"not delivered: {result.reply}", moment)
            if waiting:
                pause = min(_FIRST_WAIT * 2 ** min(outgoing.tries - 1, 20), _LONGEST_WAIT)
                reply = waiting[0].reply
                connection.execute(
                    update(OUTBOX)
                    .where(OUTBOX.c.id == outgoing.id)
                    .values(
                        claimed_by="",
                        claimed_at=None,
                        at_dot=False,
                        next_at=moment + pause,
                        last_reply=storable(reply, 255),
                    )
                )
            else:
                connection.execute(delete(OUTBOX).where(OUTBOX.c.id == outgoing.id))
        faults.point("send.recorded")

    def _mine(self, connection: Connection, outgoing: Outgoing, **values: object) -> bool:
        """Whether we are still the one who sends a copy, with its row locked; `values` are written then."""
        mine = update(OUTBOX).where(OUTBOX.c.id == outgoing.id, OUTBOX.c.claimed_by == self._me)
        return bool(connection.execute(mine.values(claimed_by=self._me, **values)).rowcount)


def _move(connection: Connection, copy_id: str, state: State, note: str, moment: Any) -> None:
    changed = (
        update(COPY)
        .where(COPY.c.id == copy_id, COPY.c.state == State.RELEASED.value)
        .values(state=state.value, changed_at=moment, outbox_id=None)
    )
    if connection.execute(changed).rowcount:
        event = {"copy_id": copy_id, "at": moment, "state": state.value, "by": "outbox", "note": storable(note, 255)}
        connection.execute(insert(EVENT), [event])
