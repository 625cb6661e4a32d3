"""Who changed what; and the accounts, for administrators of the platform."""

from typing import Final

from sqlalchemy.exc import IntegrityError
from starlette.responses import Response
from starlette.routing import Route

from tamis.accounts import BadAccount, Role
from tamis.audit import Audit
from tamis.lists import BadEntry
from tamis.web.console.access import Console, changed, shown
from tamis.web.forms import Form

_ON_A_PAGE: Final = 100


def _audit(console: Console) -> Response:
    before = console.asked("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    found = Audit(console.house.config.database_url).page(console.account.sees, _ON_A_PAGE, number)
    return console.page("audit.html", changes=found, more=len(found) == _ON_A_PAGE)


def _accounts(console: Console, problem: str = "") -> Response:
    accounts = console.accounts
    return console.page(
        "accounts.html", 400 if problem else 200, accounts=accounts.all(), roles=list(Role), problem=problem,
        locked=sorted(accounts.locked()),
    )  # fmt: skip


def _change_account(console: Console, form: Form) -> Response:
    """One of the forms of the page; what is wrong is said on it."""
    what, name = form.one("do"), form.one("name").strip().lower()
    accounts, by = console.accounts, console.account.name
    try:
        if what == "add":
            role = Role(form.one("role"))
            domains = form.one("domains").replace(",", " ").split()
            console.audit("add account", name, note=f"{role} {' '.join(domains)}".strip())
            accounts.add(name, form.one("password"), role, domains, by)
        elif what in ("disable", "enable"):
            console.audit(f"{what} account", name)
            accounts.set_disabled(name, what == "disable")
        elif what == "lock":
            console.audit("lock mailbox", name)
            accounts.lock(name, by)
        elif what == "unlock":
            console.audit("unlock mailbox", name)
            accounts.unlock(name)
    except (BadAccount, BadEntry, ValueError, IntegrityError) as error:
        return _accounts(console, str(error) if isinstance(error, (BadAccount, BadEntry)) else "it cannot be so")
    return console.back("/console/accounts")


ROUTES: Final = [
    Route("/console/audit", shown(_audit), methods=["GET"]),
    Route("/console/accounts", shown(_accounts, Role.PLATFORM, Role.AUDITOR), methods=["GET"]),
    Route("/console/accounts", changed(_change_account, Role.PLATFORM), methods=["POST"]),
]
