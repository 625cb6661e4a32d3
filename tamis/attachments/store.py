"""What is lastingly known of files, in the database: statistics, and the hypercube that learns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Column, Connection, and_, case, delete, false, func, insert, or_, select, true, update

from tamis import limits
from tamis.attachments.known_file import Columns
from tamis.attachments.seen import Seen
from tamis.attachments.tables import ATTACHMENT, VERTEX
from tamis.database import LIST_ENTRY, VERSION
from tamis.list_rows import checked, put, storable
from tamis.list_store import ListStore
from tamis.lists import PLATFORM, ListName

SEEN: Final = "files"
"""The version number of what mail taught."""
TAUGHT: Final = "hypercube"
"""The version number of what people taught, which acts at once."""
PERSON: Final = 20
"""What the word of a person counts; that of a scanner counts 1."""
_AT_ONCE: Final = 200
_MOST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Statistics:
    """One file, as the platform has seen it. `malware_list` says whether it is on that list."""

    digest: str
    size: int
    kind: str
    name: str
    runs: bool
    first_seen: datetime
    last_seen: datetime
    messages: int
    recipients: int
    ham: int
    spam: int
    malware: int
    sketch: str
    malware_list: bool


class FileStore:
    """The tables of files, beside the lists."""

    def __init__(self, url: str) -> None:
        self._store = ListStore(url)

    def versions(self) -> tuple[int, int]:
        """Return two numbers: one changes whenever mail taught something, one whenever a person did."""
        with self._store.read() as connection:
            if connection is None or not connection.dialect.has_table(connection, VERTEX.name):
                return 0, 0
            query = select(VERSION.c.name, VERSION.c.number).where(VERSION.c.name.in_((SEEN, TAUGHT)))
            found = {row.name: int(row.number) for row in connection.execute(query)}
        return found.get(SEEN, 0), found.get(TAUGHT, 0)

    def record(self, seen: Iterable[Seen]) -> None:
        """Add to the statistics, and let the hypercube learn. Raises SQLAlchemyError."""
        everything = list(seen)
        with self._store.change(SEEN) as connection:
            for start in range(0, len(everything), _AT_ONCE):
                _record(connection, everything[start : start + _AT_ONCE])
            for one in everything:
                if one.sketch:
                    _learn(connection, one)

    def teach(self, sketch: bytes, kind: str, family: str, by: str) -> None:
        """Count a vertex as bad, of that family, or as good where it is empty, by the word of a person."""
        now = _now()
        with self._store.change(TAUGHT) as connection:
            good = PERSON if not family else 0
            bad = 0 if not family else PERSON
            _count(connection, sketch.hex(), kind, family, bad, good, now, by)

    def block(self, digest: str, by: str, expires: datetime | None, note: str) -> bool:
        """Put a file on the list of malware, and teach the hypercube where its vertex is known; whether it is new.

        Raises `tamis.lists.BadEntry`.
        """
        digest = checked(ListName.MALWARE_HASH, digest)
        found = self.find(digest)
        with self._store.change() as connection:
            new = put(connection, ListName.MALWARE_HASH, digest, PLATFORM, by, expires, note)
        if new and found and found.sketch:
            self.teach(bytes.fromhex(found.sketch), found.kind, f"blocked: {found.name or digest[:16]}", by)
        return new

    def find(self, digest: str) -> Statistics | None:
        """Return what is known of one file."""
        found = self._select(ATTACHMENT.c.digest == digest, ATTACHMENT.c.digest, 1)
        return found[0] if found else None

    def files(
        self, runs: bool, since: datetime | None, order: Literal["recipients", "messages", "last_seen"], limit: int
    ) -> list[Statistics]:
        """Return files, those that run alone where `runs`, seen since a moment, the most first."""
        wanted = and_(
            ATTACHMENT.c.runs == true() if runs else true(),
            ATTACHMENT.c.last_seen >= _stored(since) if since else true(),
        )
        return self._select(wanted, ATTACHMENT.c[order].desc(), limit)

    def _select(self, wanted: Any, order: Any, limit: int) -> list[Statistics]:
        listed = select(LIST_ENTRY.c.value).where(
            LIST_ENTRY.c.list == ListName.MALWARE_HASH.value,
            or_(LIST_ENTRY.c.expires_at.is_(None), LIST_ENTRY.c.expires_at > _now()),
        )
        query = select(ATTACHMENT, ATTACHMENT.c.digest.in_(listed).label("listed")).where(wanted)
        with self._store.read() as connection:
            if connection is None or not connection.dialect.has_table(connection, ATTACHMENT.name):
                return []
            rows = connection.execute(query.order_by(order, ATTACHMENT.c.digest).limit(limit)).mappings().all()
        return [_statistics(row) for row in rows]

    def columns(self) -> Columns:
        """Return what workers are to know: files that run and were let through, and all vertices."""
        table = ATTACHMENT.c
        files = select(table.digest, table.first_seen).where(
            table.runs == true(), table.malware == 0, table.ham > 0, table.spam <= table.ham
        )
        vertices = select(VERTEX.c.sketch, VERTEX.c.kind, VERTEX.c.family, VERTEX.c.bad, VERTEX.c.good)
        with self._store.read() as connection:
            if connection is None or not connection.dialect.has_table(connection, VERTEX.name):
                return Columns([], [])
            known = [(bytes.fromhex(one.digest), _seconds(one.first_seen)) for one in connection.execute(files)]
            return Columns(
                known,
                [
                    (bytes.fromhex(one.sketch), one.kind, one.family, one.bad, one.good)
                    for one in connection.execute(vertices)
                ],
            )

    def forget(self, days: int) -> int:
        """Delete the statistics of files not seen for so long, and what is beyond the limits; return how many went."""
        with self._store.change(SEEN) as connection:
            old = _now() - timedelta(days=days)
            gone = connection.execute(delete(ATTACHMENT).where(ATTACHMENT.c.last_seen < old)).rowcount
            gone += _trim(connection, ATTACHMENT.c.digest, ATTACHMENT.c.runs, limits.KNOWN_FILES)
            # What was only ever good is only worth something beside what is bad.
            gone += _trim(connection, VERTEX.c.sketch, VERTEX.c.bad > 0, limits.VERTICES)
            return int(gone)


def _trim(connection: Connection, key: Column[Any], worth: Any, most: int) -> int:
    """Delete rows beyond a number: first those worth less, of them those not seen for the longest time."""
    table = key.table
    number = int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)
    if number <= most:
        return 0
    oldest = select(key).order_by(worth, table.c.last_seen).limit(number - most)
    return connection.execute(delete(table).where(key.in_(oldest))).rowcount


def _record(connection: Connection, seen: list[Seen]) -> None:
    """Add what was seen to what is known: one look for all of it, and one row for each."""
    table = ATTACHMENT.c
    digests = sorted({one.digest.hex() for one in seen})
    query = select(table.digest).where(table.digest.in_(digests)).with_for_update()
    known = set(connection.execute(query).scalars())
    for one in seen:
        digest = one.digest.hex()
        last = {"name": storable(one.name), "kind": one.kind, "size": one.size}
        if digest not in known:
            known.add(digest)
            connection.execute(
                insert(ATTACHMENT).values(
                    digest=digest,
                    first_seen=_moment(one.first),
                    last_seen=_moment(one.last),
                    runs=one.runs,
                    messages=one.messages,
                    recipients=one.recipients,
                    ham=one.ham,
                    spam=one.spam,
                    malware=one.malware,
                    sketch=one.sketch.hex(),
                    **last,
                )
            )
            continue
        numbers = {
            name: case((table[name] > _MOST - number, _MOST), else_=table[name] + number)
            for name in ("messages", "recipients", "ham", "spam", "malware")
            for number in (getattr(one, name),)
        }
        if one.sketch:
            last["sketch"] = one.sketch.hex()
        connection.execute(
            update(ATTACHMENT)
            .where(table.digest == digest)
            .values(
                last_seen=_moment(one.last), runs=or_(table.runs, true() if one.runs else false()), **numbers, **last
            )
        )


def _learn(connection: Connection, one: Seen) -> None:
    """Let the hypercube learn from one file: from malware each time, from ham once a day, from spam nothing."""
    if one.family:
        bad = max(1, one.malware)
        _count(connection, one.sketch.hex(), one.kind, one.family, bad, 0, _moment(one.last), "")
    elif one.ham and not one.spam and not one.malware:
        _count(connection, one.sketch.hex(), one.kind, "", 0, 1, _moment(one.last), "", once_a_day=True)


def _count(
    connection: Connection,
    sketch: str,
    kind: str,
    family: str,
    bad: int,
    good: int,
    at: datetime,
    by: str,
    once_a_day: bool = False,
) -> None:
    here = VERTEX.c.sketch == sketch
    row = connection.execute(select(VERTEX).where(here).with_for_update()).one_or_none()
    family = storable(family)[:80]
    if row is None:
        new = {"sketch": sketch, "kind": kind, "family": family, "bad": bad, "good": good, "taught_by": storable(by)}
        moments = {"first_seen": at, "last_seen": at, "good_at": at if once_a_day else None}
        connection.execute(insert(VERTEX).values(**new, **moments))
        return
    if once_a_day and row.good_at is not None and row.good_at.date() >= at.date():
        good = 0
    values: dict[str, Any] = {"bad": min(row.bad + bad, _MOST), "good": min(row.good + good, _MOST), "last_seen": at}
    if family:
        values["family"] = family
    if by:
        values["taught_by"] = storable(by)
    if once_a_day:
        values["good_at"] = at
    connection.execute(update(VERTEX).where(here).values(**values))


def _statistics(row: Mapping[Any, Any]) -> Statistics:
    values = {name: row[name] for name in Statistics.__dataclass_fields__ if name != "malware_list"}
    for name in ("first_seen", "last_seen"):
        values[name] = values[name].replace(tzinfo=UTC)
    return Statistics(**values, malware_list=bool(row["listed"]))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _stored(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _seconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())
