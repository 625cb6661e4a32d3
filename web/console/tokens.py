"""Who asks the HTTP interface: a token of an account, in the field Authorization. No cookie counts there."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tamis.accounts import Accounts, BadAccount, Role
from tamis.lists import BadEntry
from tamis.policy_keys import BadPolicy
from tamis.web.client import client_address, network_of
from tamis.web.console.access import Console
from tamis.web.house import house_of

_LONGEST: Final = 64 * 1024
"""Octets of a body."""
_ASKED: Final = (1200, 60)
"""So many questions of one home in so many seconds; wrong tokens count as well."""

Answer = Callable[[Console, dict[str, Any]], Any]


def api(answer: Answer, *roles: Role) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a function that returns what is answered as JSON; it gets the JSON of the body.

    What `answer` raises becomes ``{"error": …}``: `HTTPException` with its status, what is wrong with values with 400.
    """

    async def endpoint(request: Request) -> Response:
        try:
            said = await _said(request) if request.method in ("POST", "PATCH", "DELETE") else {}
            return await run_in_threadpool(_answer, request, said, answer, roles)
        except HTTPException as error:
            return _problem(error.status_code, str(error.detail), error.headers)

    return endpoint


async def _said(request: Request) -> dict[str, Any]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST:
            raise HTTPException(413)
    try:
        said = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None
    if not isinstance(said, dict):
        raise HTTPException(400, "the body is no JSON object")
    return said


def _answer(request: Request, said: dict[str, Any], answer: Answer, roles: tuple[Role, ...]) -> Response:
    house = house_of(request)
    address = client_address(request, house.config.settings.web)
    if not house.limiter.allows("api", network_of(address), *_ASKED):
        raise HTTPException(429, "too many questions")
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    accounts = Accounts(house.config.database_url)
    account = accounts.bearer(token.strip()) if kind.lower() == "bearer" else None
    if account is None:
        raise HTTPException(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
    if (roles and account.role not in roles) or (request.method != "GET" and not account.changes):
        raise HTTPException(403, "this account may not")
    hidden = accounts.locked() if account.role is Role.DOMAIN else frozenset()
    try:
        found = answer(Console(request, house, account, hidden), said)
    except (BadEntry, BadAccount, BadPolicy, ValueError) as error:
        raise HTTPException(400, str(error)) from None
    except SQLAlchemyError:
        raise HTTPException(503, "the database does not answer") from None
    return JSONResponse(found)


def _problem(status: int, text: str, headers: Any) -> Response:
    return JSONResponse({"error": text}, status, headers=headers)
