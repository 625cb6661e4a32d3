"""Changes of a copy's state, by people and by time: release, delete, expire; and giving the disk back.

Each change asks for the state it starts from in the statement that makes it: of two that meet, one does nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, insert, select, update

from tamis import faults
from tamis.headers import sanitise
from tamis.mail import new_id
from tamis.quarantine.records import NEEDS_CONTENT, State, StoredChanges, decode_fields, encode_changes
from tamis.quarantine.store import Store, now, storable
from tamis.quarantine.tables import CONTENT, COPY, EVENT, MESSAGE, OUTBOX

_TOGETHER: Final = 500
"""Copies changed in one transaction: holds wait meanwhile."""


def release(store: Store, copy_ids: Sequence[str], by: str, header: str, note: str = "") -> list[str]:
    """Send held copies on their way; return those that were held. Asked again it does nothing.

    `header` is the name of the field that says who released them, empty for none. Raises
    `sqlalchemy.exc.SQLAlchemyError`.
    """
    faults.point("release.asked")
    released: list[str] = []
    with store.transaction() as connection:
        for row in connection.execute(select(COPY).where(COPY.c.id.in_(copy_ids)).order_by(COPY.c.id)).all():
            outbox_id = new_id()
            if not _change(connection, row.id, State.HELD, State.RELEASED, by, note, outbox_id=outbox_id):
                continue
            fields = decode_fields(row.fields)
            if header:
                fields.insert(0, (header, f"Released by {sanitise(by, 200)}"))
            moment = now()
            values = {
                "id": outbox_id,
                "message_id": row.message_id,
                "kind": "release",
                "expand": not row.legs,
                "changes": encode_changes(StoredChanges(add=fields)),
                "created_at": moment,
                "next_at": moment,
                "tries": 0,
                "claimed_by": "",
                "claimed_at": None,
                "at_dot": False,
                "last_reply": "",
            }
            connection.execute(insert(OUTBOX).values(values))
            released.append(row.id)
    faults.point("release.committed")
    return released


def remove(store: Store, copy_ids: Sequence[str], by: str, note: str = "") -> list[str]:
    """Delete held copies; return those that were held. Raises `sqlalchemy.exc.SQLAlchemyError`."""
    with store.transaction() as connection:
        gone = [one for one in copy_ids if _change(connection, one, State.HELD, State.DELETED, by, note)]
    collect(store, _digests(store, gone))
    return gone


def expire(store: Store, days: float) -> int:
    """End the time of copies held longer than so many days; return their number."""
    before = now() - timedelta(days=days)
    query = select(COPY.c.id).where(COPY.c.state == State.HELD.value, COPY.c.held_at < before).limit(_TOGETHER)
    number = 0
    while True:
        with store.transaction() as connection:
            ids = list(connection.execute(query).scalars())
            # One statement for all; what somebody releases at the same moment is left out.
            moment = now()
            ended = (
                update(COPY)
                .where(COPY.c.id.in_(ids), COPY.c.state == State.HELD.value)
                .values(state=State.EXPIRED.value, changed_at=moment, changed_by="time", fields="[]")
                .returning(COPY.c.id)
            )
            gone = list(connection.execute(ended).scalars()) if ids else []
            _note(connection, gone, State.EXPIRED, "time", "")
            faults.point("expire.marked")
        faults.point("expire.committed")
        collect(store, _digests(store, gone))
        number += len(gone)
        if len(ids) < _TOGETHER:
            return number


def forget(store: Store, days: float) -> int:
    """Forget copies whose end lies longer back than so many days, with their history; return their number."""
    before = now() - timedelta(days=days)
    ended = (State.DELIVERED.value, State.EXPIRED.value, State.DELETED.value)
    query = select(COPY.c.id, COPY.c.message_id).where(COPY.c.state.in_(ended), COPY.c.changed_at < before)
    number = 0
    while True:
        with store.transaction() as connection:
            rows = connection.execute(query.limit(_TOGETHER)).all()
            ids, messages = [row.id for row in rows], {row.message_id for row in rows}
            if ids:
                connection.execute(delete(EVENT).where(EVENT.c.copy_id.in_(ids)))
                connection.execute(delete(COPY).where(COPY.c.id.in_(ids)))
                alone = ~exists().where(COPY.c.message_id == MESSAGE.c.id)
                connection.execute(delete(MESSAGE).where(MESSAGE.c.id.in_(messages), alone))
        number += len(ids)
        if len(ids) < _TOGETHER:
            return number


def unneeded(store: Store) -> list[str]:
    """Return contents that no copy needs any more: also those of a process that died before it removed them."""
    with store.transaction() as connection:
        return list(connection.execute(select(CONTENT.c.digest).where(~_needed(CONTENT.c.digest))).scalars())


def orphans(store: Store) -> list[str]:
    """Return contents of the spool that no message ever had: of a process that died before it wrote the rest."""
    with store.transaction() as connection:
        known = set(connection.execute(select(CONTENT.c.digest)).scalars())
    return [digest for digest in store.spool.digests() if digest not in known]


def collect(store: Store, digests: Iterable[str]) -> int:
    """Remove from the spool those contents that no copy needs; return the octets given back.

    Whoever holds a message with that content waits meanwhile, and then stores it again.
    """
    every = sorted(set(digests))
    freed = 0
    for start in range(0, len(every), _TOGETHER):
        batch = every[start : start + _TOGETHER]
        with store.transaction() as connection:
            # Changes nothing, and locks.
            connection.execute(update(CONTENT).where(CONTENT.c.digest.in_(batch)).values(stored_at=CONTENT.c.stored_at))
            faults.point("collect.locked")
            needed = select(CONTENT.c.digest).where(CONTENT.c.digest.in_(batch), _needed(CONTENT.c.digest))
            kept = set(connection.execute(needed).scalars())
            gone = [digest for digest in batch if digest not in kept]
            if gone:
                connection.execute(delete(CONTENT).where(CONTENT.c.digest.in_(gone)))
            freed += sum(store.spool.remove(digest) for digest in gone)
            faults.point("collect.unlinked")
        faults.point("collect.committed")
    return freed


def _needed(digest: Any) -> Any:
    """Whether a copy needs a content."""
    states = [state.value for state in NEEDS_CONTENT]
    return (
        exists()
        .where(MESSAGE.c.digest == digest, COPY.c.message_id == MESSAGE.c.id, COPY.c.state.in_(states))
        .correlate(CONTENT)
    )


def _digests(store: Store, copy_ids: Sequence[str]) -> list[str]:
    if not copy_ids:
        return []
    query = select(MESSAGE.c.digest).join(COPY, COPY.c.message_id == MESSAGE.c.id).where(COPY.c.id.in_(copy_ids))
    with store.transaction() as connection:
        return list(connection.execute(query).scalars())


def _change(
    connection: Connection, copy_id: str, before: State, after: State, by: str, note: str, **values: object
) -> bool:
    changed = (
        update(COPY)
        .where(COPY.c.id == copy_id, COPY.c.state == before.value)
        .values(state=after.value, changed_at=now(), changed_by=storable(by, 255), **values)
    )
    if not connection.execute(changed).rowcount:
        return False
    _note(connection, [copy_id], after, by, note)
    return True


def _note(connection: Connection, copy_ids: Sequence[str], state: State, by: str, note: str) -> None:
    moment = now()
    rows = [
        {"copy_id": one, "at": moment, "state": state.value, "by": storable(by, 255), "note": storable(note, 255)}
        for one in copy_ids
    ]
    if rows:
        connection.execute(insert(EVENT), rows)
