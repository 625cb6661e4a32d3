"""What the classifier was taught and by whom: taught by a click on a held message, taken back by the reporter."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tamis import limits
from tamis.commands.common import moment
from tamis.learning.journal import Journal, Outcome, Taught
from tamis.learning.teaching import Reporter, Source, lesson
from tamis.quarantine import queries
from tamis.web.console.access import Console, changed, shown, uploaded
from tamis.web.console.lists import whose
from tamis.web.console.teaching import NotTaught, most_a_day, teach_file
from tamis.web.forms import Form
from tamis.web.uploads import Upload

_SPANS: Final = ("1h", "1d", "7d")
"""Of which what somebody taught is taken back, where it is not all."""


def _show(console: Console, problem: str = "") -> Response:
    return console.page(
        "learning.html",
        400 if problem else 200,
        taught=[one for one in Journal(console.house.config.database_url).taught() if seen(console, one)],
        may_undo=lambda one: _may_undo(console, one.by),
        done=console.asked("done"),
        number=console.asked("number", longest=8),
        known=console.asked("known", longest=8),
        left_out=console.asked("left_out", longest=8),
        since=console.asked("since", longest=40),
        spans=_SPANS,
        domains=console.account.domains,
        problem=problem,
        megabytes=limits.UPLOAD_BYTES // limits.MIB,
        most=limits.UPLOAD_MESSAGES,
    )


def seen(console: Console, one: Taught) -> bool:
    """Administrators of a domain see what was taught for it; of locked mailboxes nothing."""
    return console.account.sees is None or (one.domain in console.account.sees and one.by not in console.hidden)


def _may_undo(console: Console, by: str) -> bool:
    """Administrators of a domain take back their own words alone: others have spoken for other domains, too."""
    return console.account.changes and (console.account.sees is None or by == console.account.name)


def _change(console: Console, form: Form) -> Response:
    return _undo(console, form) if form.one("do") == "undo" else _teach(console, form)


def _undo(console: Console, form: Form) -> Response:
    try:
        number = undo(console, form.one("by")[:255], form.one("since")[:40])
    except ValueError:
        raise HTTPException(400) from None
    return console.back(f"/console/learning?done=undo&number={number}")


def undo(console: Console, by: str, since: str) -> int:
    """Take back what somebody taught, all or since a time (a span or a date); return how many words.

    Raises `HTTPException`, 404, for whom this account takes nothing back from, ValueError for what is no time.
    """
    if not by or not _may_undo(console, by):
        raise HTTPException(404)
    try:
        begin = moment(since, ahead=False) if since else None
    except OverflowError:
        raise ValueError("since is neither a span nor a date") from None
    console.audit("undo what was learned", by, note=f"since {begin:%Y-%m-%d %H:%M:%S} UTC" if begin else "")
    return Journal(console.house.config.database_url).undo(by, begin)


def _teach_file(console: Console, form: Upload) -> Response:
    """Learn the messages of a file, for the platform or for a domain that this account manages."""
    what = form.one("do")
    if what not in ("spam", "ham"):
        raise HTTPException(400)
    domain = whose(console, form.one("domain"))
    try:
        found = teach_file(console, form.file, form.file_name, what == "spam", domain)
    except NotTaught as error:
        return _show(console, error.why)
    return console.back(
        f"/console/learning?done=file&number={found.learned}&known={found.known}&left_out={found.left_out}"
        f"&since={found.since:%Y-%m-%dT%H:%M:%S}"
    )


def _teach(console: Console, form: Form) -> Response:
    what = form.one("do")
    if what not in ("spam", "ham"):
        raise HTTPException(400)
    number = int(teach_held(console, form.one("copy"), what == "spam"))
    return console.back(f"/console/learning?done=learn&number={number}")


def teach_held(console: Console, copy: str, spam: bool) -> bool:
    """Learn a held message as what it is said to be; for its recipient's domain, or by the platform for all.

    Return whether that is new. Raises `HTTPException`: 404 for what is not seen, or is malware, and 429 where an
    account has taught as much as it may in a day.
    """
    store = console.house.store
    with store.reading() as connection:
        copies = queries.copies(connection, [copy]) if connection is not None else []
        if connection is None or not copies or not console.sees(copies[0].recipient) or copies[0].malware:
            raise HTTPException(404)
        digest = str(queries.whole(connection, copies).row["digest"])
    domain = copies[0].recipient.rpartition("@")[2] if console.account.sees is not None else ""
    try:
        with store.spool.open(digest) as content:
            raw = content.read(limits.MESSAGE_BYTES)
    except FileNotFoundError:
        raise HTTPException(404) from None
    console.audit(f"learn as {'spam' if spam else 'ham'}", copies[0].id, copies[0].recipient.rpartition("@")[2])
    reporter = Reporter(console.account.name, Source.ADMINISTRATOR, domain)
    journal = Journal(console.house.config.database_url)
    (outcome,) = journal.learn(reporter, [lesson(raw, spam)], most=most_a_day(console.account))
    if outcome is Outcome.TOO_MANY:
        raise HTTPException(429, f"more than {limits.LESSONS_A_DAY} messages in a day")
    return outcome in (Outcome.LEARNED, Outcome.MOVED)


ROUTES: Final = [
    Route("/console/learning", shown(_show), methods=["GET"]),
    Route("/console/learning", changed(_change), methods=["POST"]),
    Route("/console/learning/file", uploaded(_teach_file), methods=["POST"]),
]
