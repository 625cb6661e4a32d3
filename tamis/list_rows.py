"""One entry of a list as it stands in the database: checked, put there and taken away within a transaction."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert

from tamis.database import LIST_ENTRY
from tamis.lists import PLATFORM, BadEntry, ListName, normalise_value

_LONGEST: Final = 320
"""Characters of a value, as RFC 5321 has them: 64 of the local part, 255 of the domain."""


def check_owner(name: ListName, domain: str) -> None:
    """Raise `BadEntry` where a domain, or an address, cannot have entries on that list."""
    if domain != PLATFORM and name.platform_only:
        raise BadEntry(f"entries of {name.option} hold for the whole platform, not for one domain")
    if "@" in domain and name is ListName.TRAP:
        raise BadEntry("a trap is an address of the platform or of a domain: name the domain")


def checked(name: ListName, value: str) -> str:
    """Return a value as it is stored. Raises `BadEntry`."""
    if len(value) > 3 * _LONGEST:
        raise BadEntry(f"{value[:40]!r}… is longer than {_LONGEST} characters")
    normalised = normalise_value(name, value)
    if len(normalised) > _LONGEST:
        raise BadEntry(f"{value[:40]!r}… is longer than {_LONGEST} characters")
    return normalised


def put(
    connection: Connection,
    name: ListName,
    value: str,
    domain: str,
    by: str,
    expires: datetime | None = None,
    note: str = "",
) -> bool:
    """Add a checked value within a transaction of `ListStore.change`, or renew it; return whether it is new."""
    there = take_away(connection, name, value, domain)
    connection.execute(insert(LIST_ENTRY).values(stored_row(name, value, domain, by, expires, note)))
    return not there


def stored_row(name: ListName, value: str, domain: str, by: str, expires: datetime | None, note: str) -> dict[str, Any]:
    """Return the columns of an entry that is added now."""
    return {
        "list": name.value,
        "domain": domain,
        "value": value,
        "added_by": storable(by),
        "added_at": datetime.now(UTC).replace(tzinfo=None),
        "expires_at": expires.astimezone(UTC).replace(tzinfo=None) if expires else None,
        "note": storable(note),
    }


def take_away(connection: Connection, name: ListName, value: str, domain: str) -> bool:
    """Remove a checked value within a transaction of `ListStore.change`; return whether it was there."""
    table = LIST_ENTRY.c
    query = delete(LIST_ENTRY).where(table.list == name.value, table.domain == domain, table.value == value)
    return bool(connection.execute(query).rowcount)


def storable(words: str) -> str:
    """Return free text as every database takes it: no NUL, nothing that is not Unicode, and not too long."""
    return words.encode("utf-8", "replace").decode().replace("\0", "?")[:255]
