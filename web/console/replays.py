"""What decisions would have been under a changed policy."""

from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tamis.addresses import normalise_domain
from tamis.filters.order import BY_NAME, ORDER, Judgement, Switch
from tamis.history.queries import Sought, every
from tamis.history.replay import Changed, Replayed, replay_all
from tamis.policy import Mode
from tamis.record import points
from tamis.settings import LEVELS
from tamis.web.console.access import Console, shown

MOST: Final = 5000
ASKED: Final = (60, 600)
"""So many replays of one account, by page and by program, in so many seconds: each reads thousands of decisions."""
DAYS: Final = ("1", "7", "14")
_ROWS: Final = [
    row for row in ORDER
    if row.filter and row.default is not Switch.ALWAYS and row.judgement is not Judgement.REFUSED_FOR_NOW
]  # fmt: skip


def _show(console: Console) -> Response:
    """A question, not a change: by GET, so that it can be kept as a link."""
    asked = console.request.query_params
    level, mode = console.asked("level"), console.asked("mode")
    off = frozenset(name for name in asked.getlist("off") if name in BY_NAME)
    days, domain = console.asked("days", "1"), normalise_domain(console.asked("domain"))
    changed = Changed(
        float(level) if level in [f"{one:g}" for one in LEVELS] else None,
        mode if mode in [one.value for one in Mode] else None,
        off,
    )
    return console.page(
        "replay.html",
        found=replayed(console, changed, domain, int(days) if days in DAYS else 1) if changed != Changed() else None,
        levels=[f"{one:g}" for one in LEVELS],
        modes=list(Mode),
        rows=_ROWS,
        spans=DAYS,
        level=level,
        mode=mode,
        off=off,
        days=days,
        domain=domain,
        domains=console.account.domains,
        most=MOST,
        points=points,
    )


def replayed(console: Console, changed: Changed, domain: str, days: int) -> Replayed:
    """Return it, of mail for a domain, empty: all that is seen. Raises `HTTPException`, 404 and 429."""
    if not console.house.limiter.allows("replay", console.account.name, *ASKED):
        raise HTTPException(429, "too many replays")
    if not console.account.sees_domain(domain or "") and domain:
        raise HTTPException(404)
    since = datetime.now(UTC) - timedelta(days=days)
    sought = Sought(recipient=domain, since=since, domains=console.account.sees, hidden=console.hidden)
    with console.history.reading() as connection:
        return replay_all(every(connection, sought, MOST) if connection is not None else (), changed, 10)


ROUTES: Final = [Route("/console/replay", shown(_show), methods=["GET"])]
