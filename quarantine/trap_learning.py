"""What only traps got is learned as spam (SPEC, section 1, row 13): by the keeper, some time after it was held.

Nobody looks at it first, so it is bounded: the same octets count once, and no more than so many messages a day.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import false, select, true, update

from tamis import limits
from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.features import features
from tamis.models.lock import exclusive
from tamis.quarantine.rows import now
from tamis.quarantine.store import Store, count
from tamis.quarantine.tables import COUNTER, MESSAGE

_log: Final = logging.getLogger("tamis")
_TOGETHER: Final = 50
"""Messages learned in one change of the model."""
_MOST_A_DAY: Final = 500
LEARNED: Final = "learned_from_traps"
"""The counter of messages learned so."""


def learn(
    store: Store, site_model: Path, shipped_model: Path, learned: Callable[[list[bytes]], object] = lambda _: None
) -> int:
    """Learn what waits to be learned; return the number of messages.

    `learned` is called with their octets, for what else is to be learned of them. The site's model starts as a copy of
    the shipped one. A message is marked before the model is saved: should the process die between, it is not learned,
    rather than twice. Raises `sqlalchemy.exc.SQLAlchemyError`, `OSError` or `tamis.models.storage.ModelError`.
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
    # One lock for marking and learning: another machine waits, and then finds nothing left to learn.
    with exclusive(site_model):
        with store.transaction() as connection:
            mine = (
                update(MESSAGE)
                .where(MESSAGE.c.id.in_([row.id for row in batch]), MESSAGE.c.learn == true())
                .values(learn=false())
                .returning(MESSAGE.c.digest)
            )
            digests = set(connection.execute(mine).scalars())
            room = _MOST_A_DAY - int(connection.execute(today).scalar() or 0)
            chosen = [digest for digest, content in contents.items() if digest in digests and content][: max(0, room)]
            count(connection, _today(), len(chosen))
            count(connection, LEARNED, len(chosen))
        if chosen:
            model = Model.load(site_model if site_model.exists() else shipped_model)
            for digest in chosen:
                model.learn(features(Message(contents[digest])), spam=True)
            model.save(site_model)
    if chosen:
        learned([contents[digest] for digest in chosen])
        _log.info("learned as spam what only traps got: %d messages", len(chosen))
    return len(chosen)


def _today() -> str:
    """The name of the day's counter: one a day, of some octets."""
    return f"{LEARNED} {now():%Y-%m-%d}"


def _start(store: Store, digest: str) -> bytes:
    """What is looked at of a content; nothing where it has gone."""
    try:
        with store.spool.open(digest) as file:
            return file.read(limits.MESSAGE_BYTES)
    except FileNotFoundError:
        return b""
