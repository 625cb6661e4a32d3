"""From a link in a mail to a visit: the token is exchanged for a cookie, so that no history and no referrer has it."""

import time
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tamis.tokens import BadToken, Purpose
from tamis.web.client import client_address, network_of
from tamis.web.house import house_of

_SECONDS: Final = 2 * 3600
_VISITS: Final = {Purpose.RELEASE: Purpose.RELEASE_VISIT, Purpose.MAILBOX: Purpose.MAILBOX_VISIT}


def begin(request: Request, link: Purpose) -> Response:
    """Answer a link: set the cookie and lead to the page of the same name. Changes nothing else.

    Raises `HTTPException`: 410 for a link that is not ours, or has expired, 429 for too many.
    """
    limit(request, "link", 60)
    house = house_of(request)
    try:
        token = house.tokens.read(link, request.path_params["token"])
    except BadToken:
        raise HTTPException(410) from None
    return enter(request, link, token.subject, min(_SECONDS, token.expires - time.time()))


def enter(request: Request, link: Purpose, subject: str, seconds: float = _SECONDS) -> Response:
    """Begin a visit for somebody who has proved to be entitled to it."""
    house = house_of(request)
    response = RedirectResponse(house.url(f"/{link}"), 303)
    visit = house.tokens.make(_VISITS[link], subject, seconds)
    response.set_cookie(_cookie(link), visit, int(seconds), secure=house.secure, httponly=True, samesite="lax")
    return response


def leave(request: Request, link: Purpose) -> Response:
    """End a visit."""
    house = house_of(request)
    response = RedirectResponse(house.url("/"), 303)
    response.delete_cookie(_cookie(link), secure=house.secure, httponly=True, samesite="lax")
    return response


def visitor_of(request: Request, link: Purpose) -> str:
    """Return whose visit it is. Raises `HTTPException`: 410 where there is none."""
    try:
        return house_of(request).tokens.read(_VISITS[link], request.cookies.get(_cookie(link), "")).subject
    except BadToken:
        raise HTTPException(410) from None


def limit(request: Request, what: str, most: int, who: str = "", seconds: int = 600) -> None:
    """Raise `HTTPException` 429 where an address, or whoever is named, has asked too often."""
    house = house_of(request)
    who = who or network_of(client_address(request, house.config.settings.web))
    if not house.limiter.allows(what, who, most, seconds):
        raise HTTPException(429, headers={"Retry-After": str(seconds)})


def _cookie(link: Purpose) -> str:
    return f"tamis_{link}"
