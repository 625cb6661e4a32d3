"""How much is held, as `tamis quarantine stats` prints it: in all, of a domain, of an address."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tamis.commands.common import print_table, printable
from tamis.commands.quarantine_common import at, counted, iso, octets
from tamis.quarantine import statistics
from tamis.quarantine.records import State
from tamis.quarantine.statistics import Amount, Waiting

_NONE_NAMED = "in all"


@dataclass(frozen=True, slots=True)
class Collected:
    """`each` are the domains of all, or the addresses of a domain; `spool` is the number of contents, and octets."""

    total: Amount
    each: list[Amount]
    waiting: list[Waiting]
    spool: tuple[int, int]
    possible_duplicates: int


def collected(connection: Connection | None, recipient: str, domain: str) -> Collected:
    """Return what is counted of an address, of a domain, or in all."""
    if connection is None:
        return Collected(Amount(recipient or domain), [], [], (0, 0), 0)
    return Collected(
        statistics.amount(connection, recipient, domain),
        [] if recipient else statistics.amounts(connection, domain),
        statistics.waiting(connection, recipient, domain),
        statistics.spooled(connection),
        statistics.possible_duplicates(connection),
    )


def print_text(found: Collected, limit: int) -> None:
    """Print it for a person, at most so many lines of the single domains or addresses."""
    columns = ["", "held", "octets held", "oldest (UTC)", *(state for state in State if state is not State.HELD)]
    print_table(columns, [_line(one) for one in (found.total, *found.each[:limit])])
    if len(found.each) > limit:
        print(f"and {len(found.each) - limit} more")
    number, size = found.spool
    print(f"\nspool: {number} messages of {octets(size)}")
    waiting = sum(one.copies for one in found.waiting)
    print(f"outbox: {counted(waiting)}")
    for one in found.waiting:
        since = f"waiting since {at(one.oldest)} UTC, tried up to {one.tries} times"
        print(printable(f"  {counted(one.copies)}, {since}: {one.reply or 'no answer yet'}"))
    print(f"possible duplicates, sent again for want of an answer: {found.possible_duplicates}")


def _line(one: Amount) -> list[str]:
    others = [str(number) for state, number in one.copies.items() if state is not State.HELD]
    return [one.whose or _NONE_NAMED, str(one.held), octets(one.octets), at(one.oldest) if one.oldest else "", *others]


def as_json(found: Collected) -> dict[str, Any]:
    """Return the same as plain data, with every domain or address."""
    return {
        "total": _amount(found.total),
        "each": [_amount(one) for one in found.each],
        "spool": {"messages": found.spool[0], "octets": found.spool[1]},
        "outbox": [
            {"reply": one.reply, "copies": one.copies, "oldest": iso(one.oldest), "tries": one.tries}
            for one in found.waiting
        ],
        "possible_duplicates": found.possible_duplicates,
    }


def _amount(one: Amount) -> dict[str, Any]:
    return {
        "whose": one.whose or None,
        "copies": {state.value: number for state, number in one.copies.items()},
        "octets_held": one.octets,
        "oldest_held": iso(one.oldest),
    }
