"""What comes in by POST: a form, read within bounds, from a page of ours (no request forged by another site).

A form carries a token for the visit that a cookie names: another site can make a browser send the cookie, and knows
neither cookie nor token. Browsers also say from what site a request comes (Sec-Fetch-Site). Origin says nothing here:
with ``Referrer-Policy: no-referrer`` it is "null".
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tamis import limits
from tamis.tokens import BadToken, Purpose, Tokens
from tamis.web.bodies import read_body
from tamis.web.house import house_of

COOKIE: Final = "tamis_visit"
FIELD: Final = "form_token"
_FORM_SECONDS: Final = 12 * 3600.0
_VISIT_SECONDS: Final = 24 * 3600
_OURS: Final = ("same-origin", "none")


class Form:
    """The fields of a form, any of them several times."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """Return the first value of a field, empty where there is none."""
        return self._fields.get(name, [""])[0].replace("\0", "")

    def names(self) -> set[str]:
        """Return the names of all fields."""
        return set(self._fields)

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value.replace("\0", "") for value in self._fields.get(name, [])]


def visit_of(request: Request) -> tuple[str, bool]:
    """Return the name of the visit, and whether it is new."""
    known = request.cookies.get(COOKIE, "")
    return (known, False) if len(known) == 22 and known.isascii() else (secrets.token_urlsafe(16), True)


def remember_visit(response: Response, visit: str, secure: bool) -> None:
    response.set_cookie(COOKIE, visit, _VISIT_SECONDS, secure=secure, httponly=True, samesite="lax")


def form_token(tokens: Tokens, visit: str) -> str:
    """Return what proves that a form came with a page of that visit."""
    return tokens.make(Purpose.FORM, visit, _FORM_SECONDS)


def posted(answer: Callable[[Request, Form], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a function that answers a form, in a thread. Whatever is no form of ours is refused.

    Raises `HTTPException`: 403 for what another site has sent, 413 and 415 for what is no form.
    """

    async def endpoint(request: Request) -> Response:
        form = Form(parse_qs(await _body(request), keep_blank_values=True, max_num_fields=limits.FORM_FIELDS))
        check(request, form)
        return await run_in_threadpool(answer, request, form)

    return endpoint


async def _body(request: Request) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = await read_body(request, limits.FORM_BYTES)
    if body.count(b"&") >= limits.FORM_FIELDS:
        raise HTTPException(413)
    return body.decode("utf-8", "replace")


def check(request: Request, form: Form) -> None:
    """Raise `HTTPException`, 403, for a form that is none of this visit's."""
    if request.headers.get("sec-fetch-site", "none") not in _OURS:
        raise HTTPException(403)
    visit, new = visit_of(request)
    try:
        token = house_of(request).tokens.read(Purpose.FORM, form.one(FIELD))
    except BadToken:
        raise HTTPException(403) from None
    if new or token.subject != visit:
        raise HTTPException(403)
