"""What administrators changed: who, when, from where, what. It is written before the change is made."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import insert, select

from tamis.console_tables import AUDIT
from tamis.list_store import ListStore

_WHAT: Final = "audit"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `at` is UTC, as the tables keep it; `domain` is empty for what concerns the platform."""

    id: int
    at: datetime
    by: str
    address: str
    action: str
    subject: str
    domain: str
    note: str


class Audit:
    """The table of changes; nothing in it is ever changed or removed."""

    def __init__(self, url: str) -> None:
        self._store = ListStore(url)

    def write(self, by: str, action: str, subject: str, domain: str = "", note: str = "", address: str = "") -> None:
        """Write down what is about to be changed. Raises `SQLAlchemyError`: then it must not be."""
        values = {
            "at": datetime.now(UTC).replace(tzinfo=None),
            "by": _kept(by, 255),
            "address": _kept(address, 45),
            "action": _kept(action, 64),
            "subject": _kept(subject, 320),
            "domain": _kept(domain, 253),
            "note": _kept(note, 1000),
        }
        with self._store.change(_WHAT) as connection:
            connection.execute(insert(AUDIT).values(**values))

    def page(self, domains: Collection[str] | None, limit: int, before: int | None = None) -> list[Change]:
        """Return changes, the newest first; of those domains alone, None: all. `before`: older than that one."""
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if domains is not None:
            query = query.where(AUDIT.c.domain.in_(sorted(domains)))
        if before is not None:
            query = query.where(AUDIT.c.id < before)
        with self._store.read() as connection:
            if connection is None or not connection.dialect.has_table(connection, AUDIT.name):
                return []
            return [Change(**row) for row in connection.execute(query).mappings()]


def _kept(text: str, length: int) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:length]
