"""Decisions: searched, and one of them explained."""

from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tamis.filters.order import ORDER
from tamis.history.queries import Page, Sought, find, named
from tamis.record import points
from tamis.web.console.access import Console, shown

_ON_A_PAGE: Final = 50
_SPANS: Final = {"1": 1, "7": 7, "14": 14}
VERDICTS: Final = ("ham", "spam", "malware", "later", "outgoing", "unknown")


def _search(console: Console) -> Response:
    text, verdict, row = console.asked("text"), console.asked("verdict"), console.asked("row")
    days = console.asked("days")
    after = console.asked("after")
    sought = Sought(
        text=text,
        verdict=verdict if verdict in VERDICTS else "",
        row=row,
        since=datetime.now(UTC) - timedelta(days=_SPANS[days]) if days in _SPANS else None,
        domains=console.account.sees,
        hidden=console.hidden,
    )
    with console.history.reading() as connection:
        number = int(after) if after.isascii() and after.isdigit() and len(after) < 20 else None
        found = find(connection, sought, _ON_A_PAGE, number) if connection is not None else Page([], None)
    return console.page(
        "decisions.html",
        decisions=found.decisions,
        after=found.after,
        text=text,
        verdict=verdict,
        verdicts=VERDICTS,
        row=row,
        rows=[one for one in ORDER if one.filter],
        days=days,
        spans=list(_SPANS),
        points=points,
    )


def _explain(console: Console) -> Response:
    name = console.request.path_params["id"]
    with console.history.reading() as connection:
        one = named(connection, name, console.account.sees, console.hidden) if connection is not None else None
    if one is None:
        raise HTTPException(404)
    slowest = max((row.milliseconds for row in one.rows), default=0.0) or 1.0
    return console.page("decision.html", one=one, points=points, slowest=slowest, held=_held(console, one.id))


def _held(console: Console, message_id: str) -> bool:
    from tamis.quarantine import queries

    with console.house.store.reading() as connection:
        copies = queries.named(connection, message_id) if connection is not None else []
    return any(console.sees(copy.recipient) for copy in copies)


ROUTES: Final = [
    Route("/console/decisions", shown(_search), methods=["GET"]),
    Route("/console/decisions/{id:str}", shown(_explain), methods=["GET"]),
]
