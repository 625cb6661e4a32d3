"""Held mail: listed, shown, released and deleted."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tamis.addresses import normalise_address, normalise_domain
from tamis.message import Message
from tamis.quarantine import queries, transitions
from tamis.quarantine.queries import Found, Wanted
from tamis.quarantine.records import State
from tamis.quarantine.rows import key
from tamis.record import points
from tamis.sender_weights import Event
from tamis.web import preview
from tamis.web.console.access import Console, changed, shown
from tamis.web.forms import Form
from tamis.weight_store import Lesson

_ON_A_PAGE: Final = 50
STATES: Final = {state.value: (state,) for state in State} | {"all": tuple(State)}


def _list(console: Console) -> Response:
    text, whose = console.asked("text"), console.asked("whose")
    state = console.asked("state", "held")
    asked_for = wanted(console, text, whose, state if state in STATES else "held")
    found: list[Found] = []
    if asked_for is not None:
        with console.house.store.reading() as connection:
            try:
                if connection is not None:
                    found = queries.find(connection, asked_for, _ON_A_PAGE, console.asked("after"))
            except KeyError:
                raise HTTPException(404) from None
    return console.page(
        "held.html",
        copies=[copy for copy in found if console.sees(copy.recipient)],
        last=found[-1].id if len(found) == _ON_A_PAGE else "",
        text=text,
        whose=whose,
        state=state,
        states=list(STATES),
        domains=console.account.domains,
        done=console.asked("done"),
        number=console.asked("number", longest=8),
        points=points,
    )


def wanted(console: Console, text: str, whose: str, state: str) -> Wanted | None:
    """Return what is asked for; None for what this account does not see."""
    recipient = domain = ""
    if "@" in whose[1:]:
        recipient = key(normalise_address(whose))
    else:
        domain = normalise_domain(whose.removeprefix("@"))
    if console.account.sees is not None:
        if not (recipient or domain):
            domain = console.account.domains[0]
        if not (console.sees(recipient) if recipient else console.account.sees_domain(domain)):
            return None
    hidden = frozenset(one for one in console.hidden if one.rpartition("@")[2] == domain)
    return Wanted(states=STATES[state], text=text, recipient=recipient, domain=domain, hidden=hidden)


def _show(console: Console) -> Response:
    with console.house.store.reading() as connection:
        found = _visible(console, queries.named(connection, console.request.path_params["id"]) if connection else [])
        if connection is None or not found:
            raise HTTPException(404)
        message = queries.whole(connection, found)
    return console.page("message.html", message=message, points=points, held=State.HELD.value)


def held_content(console: Console, what: str) -> tuple[Found, Message]:
    """Return a copy that is held, with its message, once it is written down who looks. Raises `HTTPException`, 404."""
    with console.house.store.reading() as connection:
        copies = queries.copies(connection, [console.request.path_params["id"]]) if connection is not None else []
        if connection is None or not _visible(console, copies) or copies[0].state is not State.HELD:
            raise HTTPException(404)
        digest = str(queries.whole(connection, copies).row["digest"])
    copy = copies[0]
    console.note(f"look at held mail, {what}", copy.id, copy.recipient.rpartition("@")[2], copy.recipient)
    content = preview.read(console.house.store, digest)
    if content is None:
        raise HTTPException(404)
    return copy, content


def _preview(console: Console) -> Response:
    copy, content = held_content(console, "text")
    return console.page("preview.html", copy=copy, shown=preview.preview(content))


def _content(console: Console) -> Response:
    """The page that the sender has written, for a frame without rights."""
    _, content = held_content(console, "page")
    return HTMLResponse(preview.clean_page(content), headers=preview.PAGE_FIELDS)


def _visible(console: Console, copies: list[Found]) -> list[Found]:
    return [copy for copy in copies if console.sees(copy.recipient)]


def _act(console: Console, form: Form) -> Response:
    """Release or delete the copies that are ticked; all of them must be seen by who asks."""
    what, wanted = form.one("do"), list(dict.fromkeys(form.all("copy")))
    if what not in ("release", "delete") or not wanted:
        raise HTTPException(400)
    with console.house.store.reading() as connection:
        copies = queries.copies(connection, wanted) if connection is not None else []
    if len(copies) != len(wanted) or len(_visible(console, copies)) != len(copies):
        raise HTTPException(404)
    note = form.one("note")[:200]
    for copy in copies:
        console.audit(
            f"{what} held mail", copy.id, copy.recipient.rpartition("@")[2], f"{copy.recipient} {note}".strip()
        )
    number = _release(console, wanted, form, note) if what == "release" else _delete(console, wanted, note)
    return console.back(f"/console/held?done={what}&number={number}")


def _release(console: Console, ids: list[str], form: Form, note: str) -> int:
    settings = console.house.config.settings
    lesson = Lesson(Event.RELEASE, settings.autowhitelist.half_life_days)
    malware = form.one("malware") == "yes"
    by, header = console.account.name, settings.headers.whitelisted
    return len(transitions.release(console.house.store, ids, by, header, note, malware=malware, lesson=lesson))


def _delete(console: Console, ids: list[str], note: str) -> int:
    return len(transitions.remove(console.house.store, ids, console.account.name, note))


ROUTES: Final = [
    Route("/console/held", shown(_list), methods=["GET"]),
    Route("/console/held", changed(_act), methods=["POST"]),
    Route("/console/held/{id:str}", shown(_show), methods=["GET"]),
    Route("/console/held/{id:str}/preview", shown(_preview), methods=["GET"]),
    Route("/console/held/{id:str}/content", shown(_content), methods=["GET"]),
]
