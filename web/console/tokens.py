"""Who asks the HTTP interface: a token of an account, in the field Authorization. No cookie counts there."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tamis import limits
from tamis.accounts import Accounts, BadAccount, Role
from tamis.lists import BadEntry
from tamis.policy_keys import BadPolicy
from tamis.web.bodies import read_body
from tamis.web.client import client_address, network_of
from tamis.web.console.access import Console
from tamis.web.house import house_of

_LONGEST: Final = 64 * 1024
"""Octets of a body."""
_ASKED: Final = (1200, 60)
"""So many questions of one home in so many seconds; wrong tokens count as well."""

Answer = Callable[[Console, dict[str, Any]], Any]


OCTETS: Final = "octets"
"""What a body that is a file becomes in what an answer gets."""


def api(
    answer: Answer, *roles: Role, octets: tuple[int, int] | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a function that returns what is answered as JSON; it gets the JSON of the body.

    `octets`: the body is a file, of which one account sends so many in so many seconds. Who may not ask is turned away
    before a body is read. What `answer` raises becomes ``{"error": …}``: `HTTPException` with its status, what is wrong
    with values with 400; a database that does not answer, to whatever question, 503.
    """

    async def endpoint(request: Request) -> Response:
        try:
            console = await run_in_threadpool(_console, request, roles)
            if octets is not None:
                if not await run_in_threadpool(
                    console.house.limiter.allows, "console-upload", console.account.name, *octets
                ):
                    raise HTTPException(429, "too many files")
                said: dict[str, Any] = {OCTETS: await read_body(request, limits.UPLOAD_BYTES)}
            else:
                said = await _said(request) if request.method in ("POST", "PATCH", "DELETE") else {}
            return await run_in_threadpool(_answer, console, said, answer)
        except HTTPException as error:
            return _problem(error.status_code, str(error.detail), error.headers)
        except SQLAlchemyError:
            return _problem(503, "the database does not answer", None)

    return endpoint


def api_route(path: str, method: str, answer: Answer, *roles: Role, octets: tuple[int, int] | None = None) -> Route:
    """Return the route of an answer, below ``/api/v1``."""
    return Route(f"/api/v1{path}", api(answer, *roles, octets=octets), methods=[method])


async def _said(request: Request) -> dict[str, Any]:
    body = await read_body(request, _LONGEST)
    try:
        said = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None
    if not isinstance(said, dict):
        raise HTTPException(400, "the body is no JSON object")
    return said


def _console(request: Request, roles: tuple[Role, ...]) -> Console:
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
    return Console(request, house, account, hidden)


def _answer(console: Console, said: dict[str, Any], answer: Answer) -> Response:
    try:
        found = answer(console, said)
    except (BadEntry, BadAccount, BadPolicy, ValueError) as error:
        raise HTTPException(400, str(error)) from None
    return JSONResponse(found)


def _problem(status: int, text: str, headers: Any) -> Response:
    return JSONResponse({"error": text}, status, headers=headers)
