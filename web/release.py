"""The page of the sender: what is held of it, and a form by which a person has it delivered (SPEC, section 3)."""

from collections.abc import Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tamis.quarantine import sender_notices, transitions
from tamis.quarantine.sender_notices import HeldOfSender
from tamis.sender_weights import Event
from tamis.tokens import BadToken, Purpose
from tamis.validated import whitelist
from tamis.web import challenge
from tamis.web.forms import Form, posted
from tamis.web.house import House, house_of
from tamis.web.pages import page
from tamis.web.visits import begin, limit, visitor_of
from tamis.weight_store import Lesson

_MOST: Final = 200
"""Messages on the page."""


def _link(request: Request) -> Response:
    return begin(request, Purpose.RELEASE)


def _show(request: Request) -> Response:
    """The page; `released` in its path says how many have just been let out."""
    sender = visitor_of(request, Purpose.RELEASE)
    said = request.query_params.get("released", "")
    released = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else None
    return _page(request, sender, released=released)


def _page(request: Request, sender: str, status: int = 200, released: int | None = None, failed: str = "") -> Response:
    house = house_of(request)
    with house.store.transaction() as connection:
        held = sender_notices.held_of_sender(connection, sender, _MOST)
    values = {"sender": sender, "held": held, "released": released, "failed": failed}
    return page(request, "release.html", status, **values, challenge=challenge.new_challenge(house) if held else None)


def _release(request: Request, form: Form) -> Response:
    sender = visitor_of(request, Purpose.RELEASE)
    house = house_of(request)
    limit(request, "validate", 30)
    limit(request, "validate", 30, sender)
    with house.store.transaction() as connection:
        held = sender_notices.held_of_sender(connection, sender, _MOST)
    wanted = set(form.all("copy"))
    chosen = [one for one in held if one.copy_id in wanted]
    if not chosen:
        return _page(request, sender, 400 if held else 200, failed="none" if held else "")
    if not challenge.passed(house, form):
        return _page(request, sender, 400, failed="challenge")
    released = _let_out(house, sender, chosen)
    return RedirectResponse(house.url(f"/release?released={released}"), 303)


def _let_out(house: House, sender: str, chosen: Iterable[HeldOfSender]) -> int:
    """Release copies, and whitelist the sender where the recipient's policy wants that. Never trains the classifier."""
    settings = house.config.settings
    header, by = settings.headers.whitelisted, f"its sender {sender}, on the page of the notice"
    lesson = Lesson(Event.VALIDATION, settings.autowhitelist.half_life_days)
    number = 0
    groups: dict[tuple[str, bool], list[str]] = {}
    policies = house.policies.now()
    for one in chosen:
        trusted = policies.for_recipient(one.recipient).whitelist_validated
        groups.setdefault((one.domain, trusted), []).append(one.copy_id)
    for (domain, trusted), ids in groups.items():
        number += len(transitions.release(house.store, ids, by, header, lesson=lesson if trusted else None))
        if trusted:
            whitelist(house.config.database_url, domain, sender, "proved to be a person")
    return number


def _code(request: Request) -> Response:
    limit(request, "code", 120)
    try:
        return Response(challenge.image(house_of(request), request.path_params["token"]), media_type="image/png")
    except BadToken:
        return Response(status_code=404)


ROUTES: Final = (
    Route("/release", _show, methods=["GET"]),
    Route("/release", posted(_release), methods=["POST"]),
    Route("/release/{token}", _link, methods=["GET"]),
    Route("/code/{token}.png", _code, methods=["GET"]),
)
