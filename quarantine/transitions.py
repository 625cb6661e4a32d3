"""Changes of a copy's state, by people and by time: release, delete, expire; and giving the disk back.

Each change asks for the state it starts from in the statement that makes it: of two that meet, one does nothing.
Rows are locked in the order of their ids, or passed over where somebody has them, so that no two wait for each other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, literal, select, update

from tamis import faults
from tamis.filters.order import Row
from tamis.headers import sanitise
from tamis.learning.teaching import Lesson as ClassifierLesson
from tamis.mail import new_id
from tamis.quarantine import release_learning
from tamis.quarantine.records import NEEDS_CONTENT, State, StoredChanges, decode_fields
from tamis.quarantine.rows import now, outbox_row, storable
from tamis.quarantine.store import Store, among, lock_contents, lock_known_contents
from tamis.quarantine.tables import CONTENT, COPY, EVENT, MESSAGE, OUTBOX
from tamis.sender_weights import Event
from tamis.telling import Telling
from tamis.weight_store import Lesson, learn

_TOGETHER: Final = 500
"""Copies that people change in one transaction: holds wait meanwhile."""
_EXPIRED_TOGETHER: Final = 2000
"""Copies whose time ends in one transaction, each with statements for all: it takes as long."""

Progress = Callable[[int, int], None]
"""Told after each transaction how many copies and how many octets of disk it was."""


def release(
    store: Store,
    copy_ids: Sequence[str],
    by: str,
    header: str,
    note: str = "",
    malware: bool = False,
    lesson: Lesson | None = None,
) -> list[str]:
    """Send held copies on their way; return those that were held. Asked again it does nothing.

    `header` is the name of the field that says who released them, empty for none. Copies with malware stay held
    unless `malware` is set. `lesson` is what the release teaches of the sender (row 7), once for each message and
    recipient domain. A release by a recipient or an administrator teaches the classifier ham, a validation by the
    sender never does (SPEC, section 3). Malware teaches nothing. Raises `sqlalchemy.exc.SQLAlchemyError`.
    """
    faults.point("release.asked")
    released: list[str] = []
    taught: set[tuple[str, str]] = set()
    teaches = lesson is not None and lesson.event is Event.RELEASE
    for batch in _batches(copy_ids):
        ham = release_learning.lessons(store, batch) if teaches else {}
        wanted = select(COPY, MESSAGE.c.sender_key).join(MESSAGE, MESSAGE.c.id == COPY.c.message_id)
        wanted = wanted.where(COPY.c.id.in_(batch)).order_by(COPY.c.id)
        if not malware:
            wanted = wanted.where(~COPY.c.malware)
        pupils: list[tuple[str, str]] = []
        messages: dict[str, list[ClassifierLesson]] = defaultdict(list)
        with store.transaction() as connection:
            for row in connection.execute(wanted).all():
                outbox_id = new_id()
                if not _change(connection, row.id, State.HELD, State.RELEASED, by, note, outbox_id=outbox_id):
                    continue
                fields = decode_fields(row.fields)
                if header:
                    fields.insert(0, (header, f"Released by {sanitise(by, 200)}"))
                new = outbox_row(outbox_id, row.message_id, "release", not row.legs, StoredChanges(add=fields))
                connection.execute(insert(OUTBOX).values(new))
                released.append(row.id)
                if (row.message_id, row.domain) not in taught and not row.malware:
                    taught.add((row.message_id, row.domain))
                    pupils.append((row.domain, row.sender_key))
                    if row.message_id in ham:
                        messages[row.domain].append(ham[row.message_id])
            # After all rows of copies are locked, or two releases would wait for each other.
            if lesson is not None:
                for domain, sender in pupils:
                    learn(connection, domain, sender, lesson, by, datetime.now(UTC))
            release_learning.write(connection, messages, by)
    faults.point("release.committed")
    return released


def remove(store: Store, copy_ids: Sequence[str], by: str, note: str = "") -> list[str]:
    """Delete held copies; return those that were held. Raises `sqlalchemy.exc.SQLAlchemyError`."""
    removed: list[str] = []
    for batch in _batches(copy_ids):
        with store.transaction() as connection:
            gone = [one for one in batch if _change(connection, one, State.HELD, State.DELETED, by, note)]
        collect(store, _digests(store, gone))
        removed += gone
    return removed


def take_for_malware(store: Store, message_id: str, row: Row, test: str, because: str) -> list[str]:
    """Let held copies of a message be malware, found after they were held; return them."""
    found = {"malware": True, "row": row.number, "row_name": row.name, "test": test, "because": storable(because, 300)}
    with store.transaction() as connection:
        changed = (
            update(COPY)
            .where(COPY.c.message_id == message_id, COPY.c.state == State.HELD.value)
            .values(**found)
            .returning(COPY.c.id)
        )
        ids = sorted(connection.execute(changed).scalars())
        _note(connection, ids, State.HELD, row.name, because)
        waiting = (COPY.c.message_id == message_id, COPY.c.telling == Telling.WAITING.value)
        connection.execute(update(COPY).where(*waiting).values(telling=Telling.MALWARE.value))
    return ids


def overdue(days: float) -> ColumnElement[bool]:
    """Whether a copy has been held longer than so many days."""
    return (COPY.c.state == State.HELD.value) & (COPY.c.held_at < _before(days))


def expire(store: Store, days: float, progress: Progress | None = None) -> int:
    """End the time of copies held longer than so many days; return their number."""
    # The oldest first, which an index knows. What somebody is about to release is looked at the next time.
    query = select(COPY.c.id).where(overdue(days)).order_by(COPY.c.held_at)
    query = query.limit(_EXPIRED_TOGETHER).with_for_update(skip_locked=True)
    number = 0
    with store.kept_open() as connection:
        while True:
            with connection.begin():
                ids = list(connection.execute(query).scalars())
                gone, digests = _end(connection, ids)
                faults.point("expire.marked")
            faults.point("expire.committed")
            freed = _collect(store, connection, digests)
            number += gone
            if progress is not None:
                progress(gone, freed)
            if len(ids) < _EXPIRED_TOGETHER:
                return number
            store.let_others_write()


def _end(connection: Connection, ids: Sequence[str]) -> tuple[int, list[str]]:
    """End the time of those copies that are held; return their number and the contents of their messages."""
    if not ids:
        return 0, []
    # The state is asked for again: SQLite locks nothing by reading.
    ended = (
        update(COPY)
        .where(among(connection, COPY.c.id, ids), COPY.c.state == State.HELD.value)
        .values(state=State.EXPIRED.value, changed_at=now(), changed_by="time", fields="[]")
        .returning(COPY.c.id, COPY.c.message_id)
    )
    rows = connection.execute(ended).all()
    _note(connection, [row.id for row in rows], State.EXPIRED, "time", "")
    messages = sorted({row.message_id for row in rows})
    contents = select(MESSAGE.c.digest).where(among(connection, MESSAGE.c.id, messages)).distinct()
    return len(rows), sorted(connection.execute(contents).scalars())


def forget(store: Store, days: float) -> int:
    """Forget copies whose end lies longer back than so many days, with their history; return their number.

    The room they took in the database is given back to the disk.
    """
    ended = [state.value for state in State if state not in NEEDS_CONTENT]
    query = (
        select(COPY.c.id, COPY.c.message_id)
        # What ended before has been held before: that is what the index knows.
        .where(COPY.c.state.in_(ended), COPY.c.held_at < _before(days), COPY.c.changed_at < _before(days))
        .limit(_TOGETHER)
        .with_for_update(skip_locked=True)
    )
    number = 0
    with store.kept_open() as connection:
        while True:
            with connection.begin():
                rows = connection.execute(query).all()
                ids, messages = [row.id for row in rows], {row.message_id for row in rows}
                if ids:
                    connection.execute(delete(EVENT).where(EVENT.c.copy_id.in_(ids)))
                    number += connection.execute(delete(COPY).where(COPY.c.id.in_(ids))).rowcount
                    alone = ~exists().where(COPY.c.message_id == MESSAGE.c.id)
                    connection.execute(delete(MESSAGE).where(MESSAGE.c.id.in_(messages), alone))
            if len(ids) < _TOGETHER:
                break
    if number:
        store.give_back()
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
    with store.kept_open() as connection:
        return sum(_collect(store, connection, batch) for batch in _batches(digests))


def _collect(store: Store, connection: Connection, digests: Sequence[str]) -> int:
    with connection.begin():
        known = lock_known_contents(connection, digests)
        freed = _remove_contents(store, connection, known)
    faults.point("collect.committed")
    if others := set(digests).difference(known):
        # What has no row yet: whoever stores it at this moment has written one that nobody else sees. Apart from the
        # others, for the sake of the order in which all are locked.
        with connection.begin():
            lock_contents(connection, dict.fromkeys(others, 0), stored=False)
            freed += _remove_contents(store, connection, sorted(others))
        faults.point("collect.committed")
    return freed


def _remove_contents(store: Store, connection: Connection, digests: Sequence[str]) -> int:
    """Remove contents that are locked, but for those that a copy needs; return the octets given back."""
    faults.point("collect.locked")
    gone: list[str] = []
    if digests:
        ended = delete(CONTENT).where(among(connection, CONTENT.c.digest, digests), ~_needed(CONTENT.c.digest))
        gone = sorted(connection.execute(ended.returning(CONTENT.c.digest)).scalars())
    freed = store.spool.remove(gone)
    faults.point("collect.unlinked")
    return freed


def _before(days: float) -> datetime:
    return now() - timedelta(days=days)


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    """Yield names in their order, each once, as many as are changed in one transaction."""
    every = sorted(set(names))
    for start in range(0, len(every), _TOGETHER):
        yield every[start : start + _TOGETHER]


def _needed(digest: Any) -> Any:
    """Whether a copy needs a content."""
    # From the content to its messages and their copies: the index of states would lead to every copy that is held. As
    # a value for each content: of a condition PostgreSQL makes a join, for which it reads both tables from end to end.
    state = COPY.c.state.concat("").in_([state.value for state in NEEDS_CONTENT])
    some = select(COPY.c.id).join(MESSAGE, COPY.c.message_id == MESSAGE.c.id).where(MESSAGE.c.digest == digest, state)
    return some.limit(1).correlate(CONTENT).scalar_subquery().is_not(None)


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
    values = (literal(now()), literal(state.value), literal(storable(by, 255)), literal(storable(note, 255)))
    rows = select(COPY.c.id, *values).where(among(connection, COPY.c.id, copy_ids))
    connection.execute(insert(EVENT).from_select(["copy_id", "at", "state", "by", "note"], rows))
