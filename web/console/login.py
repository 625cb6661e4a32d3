"""Logging in and out."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tamis.accounts import Accounts
from tamis.audit import Audit
from tamis.web.client import client_address, network_of
from tamis.web.console.access import COOKIE, begin
from tamis.web.forms import Form, posted
from tamis.web.house import house_of
from tamis.web.pages import page

_OF_ONE_HOME: Final = (20, 600)
_OF_ONE_NAME: Final = (20, 3600)
"""So many tries in so many seconds."""


def _show(request: Request) -> Response:
    house = house_of(request)
    return page(request, "console/login.html", failed=False, nobody=Accounts(house.config.database_url).none_yet())


def _log_in(request: Request, form: Form) -> Response:
    house = house_of(request)
    name, address = form.one("name").strip().lower(), client_address(request, house.config.settings.web)
    if not (
        house.limiter.allows("login-home", network_of(address), *_OF_ONE_HOME)
        and house.limiter.allows("login-name", name, *_OF_ONE_NAME)
    ):
        return page(request, "error.html", 429, error=429)
    accounts = Accounts(house.config.database_url)
    account = accounts.check(name, form.one("password"))
    if account is None:
        return page(request, "console/login.html", 403, failed=True, nobody=False)
    Audit(house.config.database_url).write(account.name, "log in", account.name, address=address)
    response = RedirectResponse(house.url("/console"), 303)
    begin(response, accounts.begin_visit(account), house)
    return response


def _log_out(request: Request, form: Form) -> Response:
    house = house_of(request)
    Accounts(house.config.database_url).end_visit(request.cookies.get(COOKIE, ""))
    response = RedirectResponse(house.url("/console/login"), 303)
    response.delete_cookie(COOKIE, path=f"{house.prefix}/console")
    return response


ROUTES: Final = [
    Route("/console/login", _show, methods=["GET"]),
    Route("/console/login", posted(_log_in), methods=["POST"]),
    Route("/console/logout", posted(_log_out), methods=["POST"]),
]
