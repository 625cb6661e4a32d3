"""What only traps got is learned as spam (SPEC, section 1, row 13): by the keeper, some time after it was held.

Nobody looks at it first, so it is bounded: copies of one mailing count once, and no more than so many messages a day.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import false, select, true, update

from tamis import faults, limits
from tamis.learning import journal
from tamis.learning.journal import Outcome
from tamis.learning.teaching import Lesson, Reporter, Source, lesson
from tamis.quarantine.store import Store, count
from tamis.quarantine.tables import COUNTER, MESSAGE

_log: Final = logging.getLogger("tamis")
_TOGETHER: Final = 50
"""Messages learned in one transaction."""
_MOST_A_DAY: Final = 500
REPORTER: Final = Reporter("traps", Source.TRAP)
LEARNED: Final = "learned_from_traps"
"""The counter of messages learned so."""


def learn(store: Store, learned: Callable[[list[bytes]], object] = lambda _: None) -> int:
    """Write into the journal what waits to be learned; return the number of messages.

    `learned` is called with their octets, for what else is to be learned of them. A message is marked in the
    transaction that writes it into the journal, so it is learned once. Raises `SQLAlchemyError` or `OSError`.
    """
    today = select(COUNTER.c.number).where(COUNTER.c.name == _today())
    with store.transaction() as connection:
        waiting = connection.execute(
            select(MESSAGE.c.id, MESSAGE.c.digest).where(MESSAGE.c.learn == true()).order_by(MESSAGE.c.received_at)
        ).all()
    batch = waiting[:_TOGETHER]
    if not batch:
        return 0
    contents = {digest: _start(store, digest) for digest in dict.fromkeys(row.digest for row in batch)}
    lessons: dict[str, Lesson] = {digest: lesson(raw, spam=True) for digest, raw in contents.items() if raw}
    with store.transaction() as connection:
        mine = (
            update(MESSAGE)
            .where(MESSAGE.c.id.in_([row.id for row in batch]), MESSAGE.c.learn == true())
            .values(learn=false())
            .returning(MESSAGE.c.digest)
        )
        # Another machine may have been faster.
        digests = set(connection.execute(mine).scalars())
        faults.point("trap.marked")
        room = _MOST_A_DAY - int(connection.execute(today).scalar() or 0)
        meant = [digest for digest in lessons if digest in digests][: max(0, room)]
        outcomes = journal.write(connection, REPORTER, [lessons[one] for one in meant], datetime.now(UTC))
        chosen = [one for one, outcome in zip(meant, outcomes, strict=True) if outcome is Outcome.LEARNED]
        # What is known already costs time, too.
        count(connection, _today(), len(meant))
        count(connection, LEARNED, len(chosen))
    faults.point("trap.learned")
    if meant:
        learned([contents[digest] for digest in meant])
    if chosen:
        _log.info("learned as spam what only traps got: %d messages", len(chosen))
    return len(chosen)


def _today() -> str:
    """The name of the day's counter: one a day, of some octets."""
    return f"{LEARNED} {datetime.now(UTC):%Y-%m-%d}"


def _start(store: Store, digest: str) -> bytes:
    """What is looked at of a content; nothing where it has gone."""
    try:
        with store.spool.open(digest) as file:
            return file.read(limits.MESSAGE_BYTES)
    except FileNotFoundError:
        return b""
