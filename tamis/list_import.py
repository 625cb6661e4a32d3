"""Many entries put on a list at once: those that are there already stay as they are, so that it can be repeated."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, delete, insert, select

from tamis.database import LIST_ENTRY
from tamis.list_rows import check_owner, storable, stored_row
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.reputation_tables import LIST_SOURCE

_AT_ONCE: Final = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be put on a list; `value` is checked (`tamis.list_store.checked`)."""

    value: str
    source: str
    expires: datetime | None = None
    note: str = ""


@dataclass(slots=True)
class Counts:
    """What became of the entries. `kept`: one of another source holds longer, and stays."""

    added: int = 0
    renewed: int = 0
    same: int = 0
    kept: int = 0


def add_all(
    store: ListStore, name: ListName, domain: str, entries: Sequence[NewEntry], licences: Mapping[str, str]
) -> Counts:
    """Put entries on one list in one transaction; where all is as it was, nothing is written.

    `licences` are those of the sources. Raises `tamis.lists.BadEntry` for a list that the domain cannot have, and
    SQLAlchemyError.
    """
    check_owner(name, domain)
    latest = {entry.value: entry for entry in entries}
    counts = Counts()
    with store.change() as connection:
        changed: list[NewEntry] = []
        for part in _parts(list(latest.values())):
            changed += _changed(connection, name, domain, part, counts)
        for part in _parts(changed):
            table = LIST_ENTRY.c
            values = [entry.value for entry in part]
            connection.execute(
                delete(LIST_ENTRY).where(table.list == name.value, table.domain == domain, table.value.in_(values))
            )
            connection.execute(
                insert(LIST_ENTRY),
                [stored_row(name, entry.value, domain, entry.source, entry.expires, entry.note) for entry in part],
            )
        if not _remember(connection, licences) and not changed:
            # Nothing for the workers to take up.
            connection.rollback()
    return counts


def _changed(
    connection: Connection, name: ListName, domain: str, entries: Sequence[NewEntry], counts: Counts
) -> Iterator[NewEntry]:
    """Yield those that are not there as they should be."""
    table = LIST_ENTRY.c
    query = select(table.value, table.added_by, table.expires_at, table.note).where(
        table.list == name.value, table.domain == domain, table.value.in_([entry.value for entry in entries])
    )
    known: dict[str, Any] = {row.value: row for row in connection.execute(query)}
    for entry in entries:
        row = stored_row(name, entry.value, domain, entry.source, entry.expires, entry.note)
        there = known.get(entry.value)
        if there is None:
            counts.added += 1
        elif all(getattr(there, column) == row[column] for column in ("added_by", "expires_at", "note")):
            counts.same += 1
            continue
        elif there.added_by != row["added_by"] and _longer(there.expires_at, row["expires_at"]):
            counts.kept += 1
            continue
        else:
            counts.renewed += 1
        yield entry


def _longer(one: datetime | None, other: datetime | None) -> bool:
    """Whether an end is later than another, or as late; None is never."""
    return one is None or (other is not None and one >= other)


def _remember(connection: Connection, licences: Mapping[str, str]) -> bool:
    """Keep the licences of sources; return whether one is new."""
    stored = {storable(name): storable(licence) for name, licence in licences.items()}
    known = {row.name: row.licence for row in connection.execute(select(LIST_SOURCE.c.name, LIST_SOURCE.c.licence))}
    new = {name: licence for name, licence in stored.items() if known.get(name) != licence}
    for name, licence in new.items():
        connection.execute(delete(LIST_SOURCE).where(LIST_SOURCE.c.name == name))
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute(insert(LIST_SOURCE).values(name=name, licence=licence, imported_at=now))
    return bool(new)


def licences(store: ListStore) -> dict[str, str]:
    """Return the licence of each source. Raises SQLAlchemyError."""
    with store.read() as connection:
        if connection is None or not connection.dialect.has_table(connection, LIST_SOURCE.name):
            return {}
        return {row.name: row.licence for row in connection.execute(select(LIST_SOURCE.c.name, LIST_SOURCE.c.licence))}


def _parts(entries: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(entries), _AT_ONCE):
        yield entries[start : start + _AT_ONCE]
