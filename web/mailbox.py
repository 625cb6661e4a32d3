"""The page of the recipient: what is held of a mailbox and why, one message safely shown, and what to do with it."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tamis.letters.reasons import reason
from tamis.quarantine.mailboxes import held_of_mailbox, owned
from tamis.quarantine.queries import NAME, Found, whole
from tamis.quarantine.records import State
from tamis.tokens import Purpose
from tamis.translations import catalogue
from tamis.web import preview
from tamis.web.forms import Form, posted
from tamis.web.house import house_of
from tamis.web.mailbox_actions import ACTIONS
from tamis.web.pages import language_of, page
from tamis.web.visits import begin, leave, limit, visitor_of

_TOGETHER: Final = 50
"""Messages on one page."""


def _link(request: Request) -> Response:
    return begin(request, Purpose.MAILBOX)


def _reasons(request: Request) -> Callable[[Found], str]:
    gettext = catalogue(language_of(request)).gettext
    return lambda copy: reason(copy.row_name, gettext)


def _show(request: Request) -> Response:
    mailbox = visitor_of(request, Purpose.MAILBOX)
    after = request.query_params.get("after", "")
    after = after if NAME.fullmatch(after) else ""
    done, number = request.query_params.get("done", ""), request.query_params.get("number", "")
    with house_of(request).store.transaction() as connection:
        try:
            held = held_of_mailbox(connection, mailbox, _TOGETHER + 1, after)
        except KeyError:
            raise HTTPException(404) from None
    values: dict[str, Any] = {
        "mailbox": mailbox,
        "held": held[:_TOGETHER],
        "next": held[_TOGETHER - 1].id if len(held) > _TOGETHER else "",
        "reason": _reasons(request),
        "done": done if done in ACTIONS else "",
        "number": int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0,
        "first": not after,
    }
    return page(request, "mailbox.html", **values)


def _own(request: Request) -> Found:
    """Return the copy that is asked for, if it belongs to the mailbox. Raises `HTTPException` 404."""
    mailbox, name = visitor_of(request, Purpose.MAILBOX), request.path_params["copy"]
    if not NAME.fullmatch(name):
        raise HTTPException(404)
    with house_of(request).store.transaction() as connection:
        found = owned(connection, mailbox, [name])
    if not found:
        raise HTTPException(404)
    return found[0]


def _message(request: Request) -> Response:
    copy = _own(request)
    house = house_of(request)
    with house.store.transaction() as connection:
        message = whole(connection, [copy]).row
    content = preview.read(house.store, message["digest"]) if copy.state is State.HELD else None
    values: dict[str, Any] = {
        "mailbox": visitor_of(request, Purpose.MAILBOX),
        "copy": copy,
        "message": message,
        "reason": _reasons(request)(copy),
        "shown": preview.preview(content) if content else None,
    }
    return page(request, "message.html", **values)


def _content(request: Request) -> Response:
    """The page that the sender has written, for a frame without rights."""
    copy = _own(request)
    house = house_of(request)
    with house.store.transaction() as connection:
        message = whole(connection, [copy]).row
    content = preview.read(house.store, message["digest"]) if copy.state is State.HELD else None
    if content is None:
        raise HTTPException(404)
    return HTMLResponse(preview.clean_page(content), headers=preview.PAGE_FIELDS)


def _act(request: Request, form: Form) -> Response:
    mailbox = visitor_of(request, Purpose.MAILBOX)
    limit(request, "act", 300, mailbox)
    house, action = house_of(request), ACTIONS.get(form.one("action"))
    if action is None:
        raise HTTPException(400)
    wanted: Sequence[str] = [name for name in form.all("copy")[: 2 * _TOGETHER] if NAME.fullmatch(name)]
    with house.store.transaction() as connection:
        chosen = [copy for copy in owned(connection, mailbox, wanted) if copy.state is State.HELD]
    number = action(house, mailbox, chosen) if chosen else 0
    return RedirectResponse(house.url(f"/mailbox?done={form.one('action')}&number={number}"), 303)


def _leave(request: Request, form: Form) -> Response:
    return leave(request, Purpose.MAILBOX)


ROUTES: Final = (
    Route("/mailbox", _show, methods=["GET"]),
    Route("/mailbox", posted(_act), methods=["POST"]),
    Route("/mailbox/leave", posted(_leave), methods=["POST"]),
    Route("/mailbox/message/{copy}", _message, methods=["GET"]),
    Route("/mailbox/message/{copy}/content", _content, methods=["GET"]),
    Route("/mailbox/{token}", _link, methods=["GET"]),
)
