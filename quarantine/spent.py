"""What counts once: a proof of being a person, on whatever machine it is used."""

from datetime import datetime

from sqlalchemy import Connection, delete

from tamis.notice_tables import SPENT
from tamis.quarantine.rows import now
from tamis.quarantine.store import upsert


def spend(connection: Connection, nonce: str, expires_at: datetime) -> bool:
    """Use something up, in a transaction; False where it has been used. `expires_at`, UTC, is when it is forgotten."""
    connection.execute(delete(SPENT).where(SPENT.c.expires_at < now()))
    statement = upsert(connection, SPENT).values(nonce=nonce, expires_at=expires_at).on_conflict_do_nothing()
    return connection.execute(statement.returning(SPENT.c.nonce)).first() is not None
