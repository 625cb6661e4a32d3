"""What people release is learned as ham, for the recipient's domain (SPEC, section 3)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from tamis import limits
from tamis.learning import journal
from tamis.learning.teaching import Lesson, Reporter, Source, lesson
from tamis.quarantine.records import State
from tamis.quarantine.store import Store
from tamis.quarantine.tables import COPY, MESSAGE


def lessons(store: Store, copy_ids: Sequence[str]) -> dict[str, Lesson]:
    """Return what held copies teach as ham, by the ids of their messages; read before anything waits for a lock.

    What carries malware teaches nothing. Raises `sqlalchemy.exc.SQLAlchemyError` or OSError.
    """
    wanted = select(MESSAGE.c.id, MESSAGE.c.digest).join(COPY, COPY.c.message_id == MESSAGE.c.id).distinct()
    wanted = wanted.where(COPY.c.id.in_(copy_ids), COPY.c.state == State.HELD.value, ~COPY.c.malware)
    with store.transaction() as connection:
        rows = connection.execute(wanted).all()
    found: dict[str, Lesson] = {}
    for message_id, digest in rows:
        try:
            with store.spool.open(digest) as file:
                found[message_id] = lesson(file.read(limits.MESSAGE_BYTES), spam=False)
        except FileNotFoundError:
            continue
    return found


def write(connection: Connection, by_domain: Mapping[str, Sequence[Lesson]], by: str) -> None:
    """Write into the journal, in the transaction of the release, what it teaches each domain."""
    now = datetime.now(UTC)
    for domain, taught in sorted(by_domain.items()):
        journal.write(connection, Reporter(by, Source.RELEASE, domain), taught, now)
