"""The first page: how much mail, what became of it, which rows decided and why, how long it took, what was wrong."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, select
from starlette.responses import Response
from starlette.routing import Route

from tamis.filters.order import ORDER
from tamis.history.queries import hours
from tamis.quarantine.records import State
from tamis.quarantine.tables import COPY
from tamis.web.console.access import Console, shown
from tamis.web.console.charts import Bar, Columns, bars, columns

SPANS: Final = {"day": 24, "week": 24 * 7, "fortnight": 24 * 14}
KINDS: Final = ("ham", "later", "spam", "malware")
_BOUNDS: Final = ("10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "more")
_ROWS: Final = {row.number: f"{row.number} {row.name}" for row in ORDER}
_OUT: Final = (State.RELEASED.value, State.DELIVERED.value)
_HELD: Final = "hold"


def _show(console: Console) -> Response:
    span = console.asked("span", "day")
    span = span if span in SPANS else "day"
    now = datetime.now(UTC)
    since = now - timedelta(hours=SPANS[span] - 1)
    sees = console.account.sees
    with console.history.reading() as connection:
        if connection is None:
            return console.page("overview.html", empty=True, span=span, spans=list(SPANS))
        volume = _volume(connection, since, now, SPANS[span], sees)
        rows = _amounts(connection, "row", since, sees)
        tests = _amounts(connection, "test", since, sees)
        actions = _amounts(connection, "action", since, sees)
        latency = _amounts(connection, "latency", since, None) if sees is None else Counter()
        wrong = _wrong(connection, since, sees, console.hidden)
    totals = Counter({kind: sum(row[1][place] for row in volume.rows) for place, kind in enumerate(volume.kinds)})
    return console.page(
        "overview.html",
        empty=False,
        span=span,
        spans=list(SPANS),
        volume=volume,
        totals=totals,
        held=actions[_HELD],
        rows=[Bar(_ROWS.get(one.name, one.name), one.number, one.share, one.name) for one in bars(rows, 12)],
        tests=bars(tests, 12),
        latency=columns(list(_BOUNDS), [{"time": latency[bound]} for bound in _BOUNDS], ["time"], 10),
        wrong=wrong,
    )


def sums(console: Console, _: dict[str, Any]) -> dict[str, Any]:
    """Return what the page sums up, for programs. Raises ValueError."""
    span = console.asked("span", "day")
    if span not in SPANS:
        raise ValueError(f"span is one of {', '.join(SPANS)}")
    since, sees = datetime.now(UTC) - timedelta(hours=SPANS[span] - 1), console.account.sees
    with console.history.reading() as connection:
        if connection is None:
            return {"verdicts": {}, "rows": {}, "tests": {}, "actions": {}, "mistakes": []}
        found: dict[str, Any] = {
            f"{what}s": dict(_amounts(connection, what, since, sees)) for what in ("verdict", "row", "test", "action")
        }
        wrong = _wrong(connection, since, sees, console.hidden)
    return found | {"mistakes": [{"row": row, "released": out, "held": held} for row, out, held in wrong]}


def _volume(
    connection: Connection, since: datetime, now: datetime, length: int, sees: tuple[str, ...] | None
) -> Columns:
    """Recipients by hour, or by day where there are many hours."""
    last, step = int(now.timestamp()) // 3600, 1 if length <= 24 else 6 if length <= 24 * 7 else 24
    counts: dict[int, Counter[str]] = {}
    for hour, verdict, amount in hours(connection, "verdict", since, sees):
        counts.setdefault((last - hour) // step, Counter())[verdict] += amount
    names, amounts = [], []
    for back in range(-(-length // step) - 1, -1, -1):
        moment = datetime.fromtimestamp((last - back * step) * 3600, UTC)
        names.append(f"{moment:%H:00}" if step == 1 else f"{moment:%d.%m. %H:00}" if step == 6 else f"{moment:%d.%m.}")
        amounts.append(counts.get(back, Counter()))
    return columns(names, amounts, KINDS)


def _amounts(connection: Connection, what: str, since: datetime, sees: tuple[str, ...] | None) -> Counter[str]:
    found: Counter[str] = Counter()
    for _, name, amount in hours(connection, what, since, sees):
        found[name] += amount
    return found


def _wrong(
    connection: Connection, since: datetime, sees: tuple[str, ...] | None, hidden: frozenset[str]
) -> list[tuple[str, int, int]]:
    """Return for each row how many copies it held since then, and how many of them people released."""
    query = (
        select(COPY.c.row, COPY.c.state, func.count())
        .where(COPY.c.held_at >= since.replace(tzinfo=None), COPY.c.action == _HELD)
        .group_by(COPY.c.row, COPY.c.state)
    )
    if sees is not None:
        query = query.where(COPY.c.domain.in_(sees))
        query = query.where(COPY.c.recipient.not_in(sorted(one for one in hidden if one.rpartition("@")[2] in sees)))
    held: Counter[str] = Counter()
    released: Counter[str] = Counter()
    for row, state, number in connection.execute(query):
        held[row] += number
        released[row] += number if state in _OUT else 0
    ranked = sorted(released.items(), key=lambda item: (-item[1], item[0]))
    return [(_ROWS.get(row, row), number, held[row]) for row, number in ranked if number]


ROUTES: Final = [Route("/console", shown(_show), methods=["GET"])]
