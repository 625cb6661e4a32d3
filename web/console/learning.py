"""What the classifier was taught and by whom: taught by a click on a held message, taken back by the reporter."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tamis import limits
from tamis.learning.journal import Journal, Outcome, Taught
from tamis.learning.teaching import Reporter, Source, lesson
from tamis.quarantine import queries
from tamis.web.console.access import Console, changed, shown
from tamis.web.forms import Form


def _show(console: Console) -> Response:
    return console.page(
        "learning.html",
        taught=[one for one in Journal(console.house.config.database_url).taught() if _seen(console, one)],
        may_undo=lambda one: _may_undo(console, one.by),
        done=console.asked("done"),
        number=console.asked("number", longest=8),
    )


def _seen(console: Console, one: Taught) -> bool:
    """Administrators of a domain see what was taught for it; of locked mailboxes nothing."""
    return console.account.sees is None or (one.domain in console.account.sees and one.by not in console.hidden)


def _may_undo(console: Console, by: str) -> bool:
    """Administrators of a domain take back their own words alone: others have spoken for other domains, too."""
    return console.account.changes and (console.account.sees is None or by == console.account.name)


def _change(console: Console, form: Form) -> Response:
    return _undo(console, form) if form.one("do") == "undo" else _teach(console, form)


def _undo(console: Console, form: Form) -> Response:
    by = form.one("by")[:255]
    if not by or not _may_undo(console, by):
        raise HTTPException(404)
    console.audit("undo what was learned", by)
    number = Journal(console.house.config.database_url).undo(by)
    return console.back(f"/console/learning?done=undo&number={number}")


def _teach(console: Console, form: Form) -> Response:
    """Learn a held message as what it is said to be; for its recipient's domain, or by the platform for all."""
    what = form.one("do")
    if what not in ("spam", "ham"):
        raise HTTPException(400)
    store = console.house.store
    with store.reading() as connection:
        copies = queries.copies(connection, [form.one("copy")]) if connection is not None else []
        if connection is None or not copies or not console.sees(copies[0].recipient) or copies[0].malware:
            raise HTTPException(404)
        digest = str(queries.whole(connection, copies).row["digest"])
    domain = copies[0].recipient.rpartition("@")[2] if console.account.sees is not None else ""
    try:
        with store.spool.open(digest) as content:
            raw = content.read(limits.MESSAGE_BYTES)
    except FileNotFoundError:
        raise HTTPException(404) from None
    console.audit(f"learn as {what}", copies[0].id, copies[0].recipient.rpartition("@")[2])
    reporter = Reporter(console.account.name, Source.ADMINISTRATOR, domain)
    journal = Journal(console.house.config.database_url)
    (outcome,) = journal.learn(reporter, [lesson(raw, what == "spam")])
    number = 1 if outcome in (Outcome.LEARNED, Outcome.MOVED) else 0
    return console.back(f"/console/learning?done=learn&number={number}")


ROUTES: Final = [
    Route("/console/learning", shown(_show), methods=["GET"]),
    Route("/console/learning", changed(_change), methods=["POST"]),
]
