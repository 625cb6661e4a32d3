"""The history in SQL, as the keeper writes it: taken up in batches, counted by the hour, forgotten in steps."""

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import pack, unpack
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from tamis.console_tables import LOCKED
from tamis.history.decided import LATER, OUTGOING, Decided, decode, domain_key
from tamis.history.journal import dropped, files
from tamis.history.keys import keys, number, number_at
from tamis.history.tables import DECISION, DECISION_COUNT
from tamis.list_store import ListStore
from tamis.quarantine.store import count, upsert

_TOGETHER: Final = 200
"""Decisions of one transaction: with SQLite, workers that hold mail wait for its end."""
_FORGOTTEN_TOGETHER: Final = 500
_STEPS: Final = 40
"""Transactions of one run of `forget`."""
_LEVEL: Final = 1
"""Half the time of zlib's own level for one octet in ten."""
DROPPED: Final = "history_dropped"
"""The counter of decisions that workers could not keep."""
_BOUNDS: Final = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000)
"""Milliseconds by which latency is counted."""

Counts = Counter[tuple[int, str, str, str]]


class HistoryStore:
    """Writes the tables of the history, and opens them for reading."""

    def __init__(self, url: str) -> None:
        self._store = ListStore(url)

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """A connection to read by, None where nothing was ever kept."""
        with self._store.read() as connection:
            there = connection is not None and connection.dialect.has_table(connection, DECISION.name)
            yield connection if there else None

    def take_up(self, folder: Path) -> int:
        """Write down what workers left, and return the number of decisions. Raises SQLAlchemyError or OSError.

        What was written before by a run that did not come to its end is not written, or counted, twice.
        """
        written = lost = 0
        batch: list[tuple[Decided, bytes]] = []
        done: list[Path] = []

        def settle() -> int:
            """Write what was read so far, of one file or of several; those read to their end are needed no more."""
            nonlocal lost
            added = self._add(batch, lost) if batch or lost else 0
            for path in done:
                path.unlink(missing_ok=True)
            lost = 0
            batch.clear()
            done.clear()
            return added

        for path in files(folder):
            theirs = 0
            with path.open("rb") as lines:
                for line in lines:
                    number_dropped = dropped(line)
                    if number_dropped is not None:
                        theirs += number_dropped
                        continue
                    text = line.rstrip(b"\n")
                    try:
                        batch.append((decode(text), text))
                    except (msgspec.DecodeError, UnicodeDecodeError):
                        # The end of a power cut.
                        theirs += 1
                    if len(batch) >= _TOGETHER:
                        written += settle()
            lost += theirs
            done.append(path)
        return written + settle()

    def add(self, decisions: Sequence[Decided]) -> int:
        """Write decisions that are not there yet, in one transaction; return how many."""
        return self._add([(one, msgspec.json.encode(one)) for one in decisions])

    def _add(self, decisions: Sequence[tuple[Decided, bytes]], lost: int = 0) -> int:
        """The same with the JSON of each. `lost`: counted as not kept."""
        prepared = {number(one): (one, keys(one), text) for one, text in decisions}
        with self._store.change("history") as connection:
            if lost:
                count(connection, DROPPED, lost)
            query = select(DECISION.c.number).where(DECISION.c.number.in_(list(prepared)))
            for known in connection.execute(query).scalars().all() if prepared else ():
                del prepared[known]
            if not prepared:
                return 0
            rows = [
                {"number": one, "found_by": _packed(theirs), "decided": zlib.compress(text, _LEVEL)}
                for one, (_, theirs, text) in prepared.items()
            ]
            connection.execute(insert(DECISION), rows)
            # By the driver itself, which has no more to do for each of a dozen than to hand over two numbers.
            mark = "?" if connection.dialect.name == "sqlite" else "%s"
            statement = f"INSERT INTO decision_key (key, number) VALUES ({mark}, {mark})"  # noqa: S608
            pairs = sorted((key, one) for one, (_, theirs, _) in prepared.items() for key in theirs)
            connection.exec_driver_sql(statement, pairs)
            # Also an administrator of the domain sees its sums.
            locked = frozenset(connection.execute(select(LOCKED.c.address)).scalars())
            counts = counted((one for one, _, _ in prepared.values()), locked)
            upserted = upsert(connection, DECISION_COUNT)
            added = DECISION_COUNT.c.number + upserted.excluded.number
            upserted = upserted.on_conflict_do_update(
                index_elements=["hour", "domain", "what", "name"], set_={"number": added}
            )
            connection.execute(
                upserted,
                [
                    {"hour": hour, "domain": domain, "what": what, "name": name, "number": amount}
                    for (hour, domain, what, name), amount in sorted(counts.items())
                ],
            )
        return len(prepared)

    def forget(self, days: int, most: int) -> int:
        """Forget what is older than `days`, and the oldest beyond `most` decisions; return how many.

        In steps, each a transaction of its own; what does not get its turn does in the next run.
        """
        now = datetime.now(UTC)
        forgotten = 0
        with self.reading() as connection:
            if connection is None:
                return 0
            limit = max(number_at(now - timedelta(days=days)), _surplus(connection, most))
        for _ in range(_STEPS):
            with self._store.change("history") as connection:
                query = select(DECISION.c.number, DECISION.c.found_by).where(DECISION.c.number < limit)
                rows = connection.execute(query.order_by(DECISION.c.number).limit(_FORGOTTEN_TOGETHER)).all()
                if rows:
                    _remove(connection, rows[-1].number, [(row.number, row.found_by) for row in rows])
                else:
                    hour = int((now - timedelta(days=days)).timestamp()) // 3600
                    connection.execute(delete(DECISION_COUNT).where(DECISION_COUNT.c.hour < hour))
            forgotten += len(rows)
            if len(rows) < _FORGOTTEN_TOGETHER:
                break
        return forgotten


def _remove(connection: Connection, last: int, rows: Sequence[tuple[int, bytes]]) -> None:
    pairs = [(key, one) for one, octets in rows for key in unpacked(octets)]
    # By the driver itself, which has no more to do for each than to hand over two numbers.
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    statement = f"DELETE FROM decision_key WHERE key = {mark} AND number = {mark}"  # noqa: S608
    connection.exec_driver_sql(statement, sorted(pairs))
    connection.execute(delete(DECISION).where(DECISION.c.number <= last))


def _surplus(connection: Connection, most: int) -> int:
    """Return the number below which decisions are too many, by the counts of the hours; 0 where none is."""
    hours = (
        select(DECISION_COUNT.c.hour, func.sum(DECISION_COUNT.c.number))
        .where(DECISION_COUNT.c.domain == "", DECISION_COUNT.c.what == "messages")
        .group_by(DECISION_COUNT.c.hour)
        .order_by(DECISION_COUNT.c.hour.desc())
    )
    kept = 0
    for hour, amount in connection.execute(hours):
        kept += int(amount)
        if kept > most:
            return number_at(datetime.fromtimestamp((hour + 1) * 3600, UTC))
    return 0


def counted(decisions: Iterator[Decided], locked: frozenset[str] = frozenset()) -> Counts:
    """Count decisions by hour, recipient domain and what they say; for the domain "" each message counts once.

    Recipients that are `locked` count for the domain "" alone.
    """
    found: Counts = Counter()
    for one in decisions:
        hour = int(one.at) // 3600
        found[hour, "", "messages", one.mail_class] += 1
        bound = next((bound for bound in _BOUNDS if one.milliseconds <= bound), None)
        if one.rows:
            found[hour, "", "latency", str(bound or "more")] += 1
        for share in one.shares:
            domains = Counter(domain_key(recipient) for recipient in share.recipients if recipient not in locked)
            if share.verdict != OUTGOING:
                domains.pop("", None)
            else:
                domains.clear()
            for domain, amount in [*domains.items(), ("", len(share.recipients))]:
                found[hour, domain[:253], "verdict", share.verdict] += amount
                if share.action:
                    found[hour, domain[:253], "action", share.action] += amount
                if share.row and (share.verdict != LATER or share.action == "refuse"):
                    found[hour, domain[:253], "row", share.row] += amount
                if share.test:
                    found[hour, domain[:253], "test", share.test[:64]] += amount
    return found


def inflated(octets: bytes) -> Decided:
    """Return a decision as it was. Raises `zlib.error` or `msgspec.DecodeError` for what is not ours."""
    return decode(zlib.decompress(octets))


def _packed(theirs: frozenset[int]) -> bytes:
    return pack(f">{len(theirs)}q", *sorted(theirs))


def unpacked(octets: bytes) -> tuple[int, ...]:
    return unpack(f">{len(octets) // 8}q", octets)
