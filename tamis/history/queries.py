"""Finding decisions: by address, id, verdict, row and time, the newest first. Only reads."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, exists, func, select, union
from sqlalchemy.sql.expression import Select

from tamis.addresses import normalise_address, normalise_domain
from tamis.history.decided import Decided
from tamis.history.keys import Kind, header_id, key, moment_of, number_at
from tamis.history.store import DROPPED, inflated
from tamis.history.tables import DECISION, DECISION_COUNT, DECISION_KEY
from tamis.mail import parse_ip
from tamis.quarantine.tables import COUNTER

_OUR_ID: Final = re.compile("[0-9a-f]{16}")
_COUNTED: Final = 2000
"""To how many the decisions of a key are counted, to begin with the rarest."""
_AT_ONCE: Final = 500
_ABOVE_ALL: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which decisions are looked for; what is empty does not matter.

    `text` is a whole address, domain, queue id, id of ours, Message-ID or IP address. `sender` may be the null
    sender, so None where it does not matter. `domains` are the recipient domains that may be seen, None: all; and in
    them no recipient that is `hidden`.
    Moments are UTC: at or after `since`, before `until`.
    """

    text: str = ""
    id: str = ""
    queue_id: str = ""
    header_id: str = ""
    sender: str | None = None
    author: str = ""
    recipient: str = ""
    peer: str = ""
    verdict: str = ""
    row: str = ""
    since: datetime | None = None
    until: datetime | None = None
    domains: Collection[str] | None = None
    hidden: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Decisions, and the number to go on `after` for older ones, None where these are the last."""

    decisions: list[Decided]
    after: int | None


def find(connection: Connection, sought: Sought, limit: int, after: int | None = None) -> Page:
    """Return decisions, the newest first; `after` is what the page before said."""
    query = _numbers(connection, _groups(sought), _within(sought, after), limit + 1)
    if query is None:
        return Page([], None)
    numbers = list(connection.execute(query).scalars())
    found = _read(connection, numbers[:limit])
    if sought.domains is not None:
        found = [one.for_domains(sought.domains, sought.hidden) for one in found]
        found = [one for one in found if one.recipients]
    return Page(found, numbers[limit - 1] if len(numbers) > limit else None)


def named(
    connection: Connection, name: str, domains: Collection[str] | None = None, hidden: Collection[str] = ()
) -> Decided | None:
    """Return the decision of that id, as far as the administrator of those domains may see it."""
    page = find(connection, Sought(id=name, domains=domains, hidden=hidden), 1)
    return page.decisions[0] if page.decisions else None


def every(connection: Connection, sought: Sought, most: int) -> Iterator[Decided]:
    """Yield decisions, the newest first, `most` at most."""
    after: int | None = None
    while most > 0:
        page = find(connection, sought, min(most, _AT_ONCE), after)
        yield from page.decisions
        most -= _AT_ONCE
        after = page.after
        if after is None:
            return


def _groups(sought: Sought) -> list[set[int]]:
    """Return sets of keys: a decision has to have one of each set."""
    groups: list[set[int]] = []
    if sought.domains is not None:
        groups.append({key(Kind.RECIPIENT_DOMAIN, normalise_domain(domain)) for domain in sought.domains})
    if text := sought.text.strip():
        groups.append(_any_kind(text, sought))
    said: list[tuple[Kind, str]] = [
        (Kind.ID, sought.id),
        (Kind.QUEUE_ID, sought.queue_id),
        (Kind.HEADER_ID, header_id(sought.header_id)),
        (Kind.PEER, str(parse_ip(sought.peer) or sought.peer)),
        (Kind.VERDICT, sought.verdict),
        (Kind.ROW, sought.row),
    ]
    groups += [{key(kind, value.strip())} for kind, value in said if value]
    if sought.sender is not None:
        groups.append({_address(Kind.SENDER, Kind.SENDER_DOMAIN, sought.sender)})
    if sought.author:
        groups.append({_address(Kind.AUTHOR, Kind.SENDER_DOMAIN, sought.author)})
    if sought.recipient:
        groups.append(set())
        if _visible(sought.recipient, sought):
            groups[-1] = {_address(Kind.RECIPIENT, Kind.RECIPIENT_DOMAIN, sought.recipient)}
    return groups


def _visible(text: str, sought: Sought) -> bool:
    """Whether a recipient may be asked for: that others have had the same mail is not everybody's business."""
    if sought.domains is None:
        return True
    address = normalise_address(text) if "@" in text[1:] else normalise_domain(text.strip().removeprefix("@"))
    return address.rpartition("@")[2] in set(sought.domains) and address not in set(sought.hidden)


def _address(whole: Kind, domain: Kind, text: str) -> int:
    """The key of an address, or of a domain where it is none; empty is the null sender."""
    text = text.strip()
    if text in ("", "<>") or "@" in text[1:]:
        return key(whole, normalise_address(text))
    return key(domain, normalise_domain(text.removeprefix("@")))


def _any_kind(text: str, sought: Sought) -> set[int]:
    found = {key(Kind.QUEUE_ID, text), key(Kind.HEADER_ID, header_id(text))}
    if _OUR_ID.fullmatch(text.lower()):
        found.add(key(Kind.ID, text))
    address = parse_ip(text.strip("[]"))
    if address is not None:
        found.add(key(Kind.PEER, str(address)))
    if "@" in text[1:]:
        kinds: tuple[Kind, ...] = (Kind.SENDER, Kind.AUTHOR, Kind.RECIPIENT)
        name = normalise_address(text)
    else:
        kinds, name = (Kind.SENDER_DOMAIN, Kind.RECIPIENT_DOMAIN), normalise_domain(text.removeprefix("@"))
    return found | {key(kind, name) for kind in kinds if kind is not kinds[-1] or _visible(text, sought)}


def _within(sought: Sought, after: int | None) -> tuple[int, int]:
    """The numbers that are meant: from the one, below the other."""
    least = number_at(sought.since) if sought.since is not None else 0
    below = number_at(sought.until) if sought.until is not None else _ABOVE_ALL
    return least, below if after is None else min(below, after)


def _numbers(
    connection: Connection, groups: list[set[int]], within: tuple[int, int], limit: int
) -> "Select[Any] | None":
    """Return the query of the newest numbers, beginning with the rarest set of keys; None where there are none."""
    least, below = within

    def newest(column: "ColumnElement[int]", *conditions: ColumnElement[bool]) -> "Select[Any]":
        chosen = select(column).where(column >= least, column < below, *conditions)
        return chosen.order_by(column.desc()).limit(limit)

    if not groups:
        return newest(DECISION.c.number)
    if not all(groups):
        return None
    amounts = [_amount(connection, group) for group in groups] if len(groups) > 1 else [len(group) for group in groups]
    if not all(amounts):
        return None
    first, *others = [group for _, group in sorted(zip(amounts, groups, strict=True), key=lambda pair: pair[0])]
    parts = []
    for one in sorted(first):
        # Each stands in its order in the index: no more of it is read than is shown.
        table = DECISION_KEY.alias()
        conditions = [_has(group, table.c.number) for group in others]
        parts.append(select(newest(table.c.number, table.c.key == one, *conditions).subquery()))
    if len(parts) == 1:
        return parts[0]
    united = union(*parts).subquery()
    return select(united.c.number).order_by(united.c.number.desc()).limit(limit)


def _has(group: set[int], column: "ColumnElement[int]") -> ColumnElement[bool]:
    other = DECISION_KEY.alias()
    return exists().where(other.c.key.in_(group), other.c.number == column)


def _amount(connection: Connection, group: set[int]) -> int:
    some = select(DECISION_KEY.c.number).where(DECISION_KEY.c.key.in_(group)).limit(_COUNTED).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _read(connection: Connection, numbers: Sequence[int]) -> list[Decided]:
    query = select(DECISION.c.decided).where(DECISION.c.number.in_(numbers)).order_by(DECISION.c.number.desc())
    return [inflated(octets) for octets in connection.execute(query).scalars()] if numbers else []


def hours(
    connection: Connection, what: str, since: datetime, domains: Collection[str] | None = None
) -> list[tuple[int, str, int]]:
    """Return (hour since 1970, name, how many) of what was counted; of recipients in those domains, None: of all."""
    table: Any = DECISION_COUNT.c
    query = (
        select(table.hour, table.name, func.sum(table.number))
        .where(
            table.hour >= int(since.timestamp()) // 3600,
            table.what == what,
            table.domain.in_([""] if domains is None else sorted(domains)),
        )
        .group_by(table.hour, table.name)
        .order_by(table.hour, table.name)
    )
    return [(int(hour), str(name), int(amount)) for hour, name, amount in connection.execute(query)]


def kept(connection: Connection, since: datetime) -> dict[str, Any]:
    """Return how many messages, by class, and recipients, by verdict, there were since then; and what was not kept."""
    found: dict[str, Any] = {"oldest": None, "not_kept": 0}
    oldest = connection.execute(select(func.min(DECISION.c.number))).scalar()
    if oldest is not None:
        found["oldest"] = moment_of(int(oldest)).isoformat(timespec="seconds")
    lost = connection.execute(select(COUNTER.c.number).where(COUNTER.c.name == DROPPED)).scalar()
    found["not_kept"] = int(lost or 0)
    for what in ("messages", "verdict", "action", "row"):
        amounts: dict[str, int] = {}
        for _, name, amount in hours(connection, what, since):
            amounts[name] = amounts.get(name, 0) + amount
        found[what] = amounts
    return found
