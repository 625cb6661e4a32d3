"""Who is at the console, and what they may do there: a visit is a cookie, and an account in the database."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tamis.accounts import VISIT_LENGTH, Account, Accounts, Role
from tamis.audit import Audit
from tamis.history.store import HistoryStore
from tamis.web.client import client_address
from tamis.web.forms import Form, check, posted
from tamis.web.house import House, house_of
from tamis.web.pages import page
from tamis.web.uploads import Upload, read_upload

COOKIE: Final = "tamis_console"
UPLOADS_ASKED: Final = (60, 600)
"""So many uploads of one account in so many seconds: each is kept in memory, and costs a processor."""


@dataclass(frozen=True, slots=True)
class Console:
    """One request of somebody who is logged in."""

    request: Request
    house: House
    account: Account
    hidden: frozenset[str]
    """Addresses that this account does not see, of its own domains."""

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.house.config.database_url)

    @property
    def history(self) -> HistoryStore:
        return HistoryStore(self.house.config.database_url)

    def asked(self, name: str, otherwise: str = "", longest: int = 400) -> str:
        """Return what the address of the page says, cut and without what no database takes."""
        return self.request.query_params.get(name, otherwise).replace("\0", "")[:longest].strip()

    def sees(self, recipient: str) -> bool:
        """Whether this account sees the mail of a recipient (normalised)."""
        return self.account.sees_domain(recipient.rpartition("@")[2]) and recipient not in self.hidden

    def sees_owner(self, owner: str) -> bool:
        """Whether this account sees what a domain or an address (normalised) has chosen."""
        return self.sees(owner) if "@" in owner else self.account.sees_domain(owner)

    def audit(self, action: str, subject: str, domain: str = "", note: str = "") -> None:
        """Write down what is about to be changed. Raises `HTTPException`, 403, for who may change nothing."""
        if not self.account.changes:
            raise HTTPException(403)
        self.note(action, subject, domain, note)

    def note(self, action: str, subject: str, domain: str = "", note: str = "") -> None:
        """Write down what is about to be looked at, by whoever may."""
        address = client_address(self.request, self.house.config.settings.web)
        Audit(self.house.config.database_url).write(self.account.name, action, subject, domain, note, address)

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page of the console."""
        path = self.request.url.path.removeprefix(self.house.prefix)
        return page(
            self.request, f"console/{template}", status, account=self.account, path=path,
            may_change=self.account.changes, platform=self.account.role is Role.PLATFORM, **values,
        )  # fmt: skip

    def back(self, path: str) -> RedirectResponse:
        """Send the browser to a page after a change, so that loading it again changes nothing."""
        return RedirectResponse(self.house.url(path), 303)


def _console(request: Request) -> Console | None:
    house = house_of(request)
    accounts = Accounts(house.config.database_url)
    account = accounts.visitor(request.cookies.get(COOKIE, ""))
    if account is None:
        return None
    hidden = accounts.locked() if account.role is Role.DOMAIN else frozenset()
    return Console(request, house, account, hidden)


def shown(answer: Callable[[Console], Response], *roles: Role) -> Callable[[Request], Response]:
    """Make an endpoint of a page of the console, which only `roles` see, where some are given; others log in first."""

    def endpoint(request: Request) -> Response:
        console = _console(request)
        if console is None:
            return RedirectResponse(house_of(request).url("/console/login"), 303)
        if roles and console.account.role not in roles:
            raise HTTPException(404)
        return answer(console)

    return endpoint


def changed(answer: Callable[[Console, Form], Response], *roles: Role) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a change, which only those make who may change something and, if some are given, `roles`."""

    def endpoint(request: Request, form: Form) -> Response:
        console = _console(request)
        if console is None:
            return RedirectResponse(house_of(request).url("/console/login"), 303)
        if not console.account.changes or (roles and console.account.role not in roles):
            raise HTTPException(403)
        return answer(console, form)

    return posted(endpoint)


def uploaded(answer: Callable[[Console, Upload], Response], *roles: Role) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a change with a file. Who may not make it is turned away before the file is read."""

    async def endpoint(request: Request) -> Response:
        console = await run_in_threadpool(_console, request)
        if console is None:
            return RedirectResponse(house_of(request).url("/console/login"), 303)
        if not console.account.changes or (roles and console.account.role not in roles):
            raise HTTPException(403)
        if not await run_in_threadpool(
            console.house.limiter.allows, "console-upload", console.account.name, *UPLOADS_ASKED
        ):
            raise HTTPException(429)
        form = await read_upload(request)
        check(request, form)
        return await run_in_threadpool(answer, console, form)

    return endpoint


def begin(response: Response, token: str, house: House) -> None:
    """Let the browser keep who it is, as long as the visit lasts."""
    response.set_cookie(
        COOKIE, token, int(VISIT_LENGTH.total_seconds()), path=f"{house.prefix}/console", secure=house.secure,
        httponly=True, samesite="strict",
    )  # fmt: skip
