"""What the tests of the console share: accounts, decisions, somebody who is logged in."""

from typing import Any, Final

from tamis.accounts import Accounts, Role
from tamis.config import Config
from tamis.history.store import HistoryStore
from tests.history.deciding import made, share
from tests.web.browser import Window
from tests.web.conftest import Visitor, visitor

PASSWORD: Final = "correct horse battery"
ACCOUNTS: Final = {
    "root": (Role.PLATFORM, ()),
    "olga": (Role.DOMAIN, ("example.org",)),
    "audrey": (Role.AUDITOR, ()),
}
OURS, BOTH, THEIRS = 1, 2, 3
"""Decisions on mail for example.org, for example.org and example.com, and for example.com alone."""


def furnish(config: Config) -> None:
    """Make the accounts, and some decisions."""
    accounts = Accounts(config.database_url)
    for name, (role, domains) in ACCOUNTS.items():
        accounts.add(name, PASSWORD, role, domains, "the tests")
    both = ("bob@example.org", "eve@example.com")
    HistoryStore(config.database_url).add(
        [
            made(OURS, sender="<script>alert(1)</script>@x.example"),
            made(BOTH, recipients=both, shares=(share(*both),)),
            made(THEIRS, recipients=("eve@example.com",), rows=(), shares=(share("eve@example.com", verdict="ham"),)),
        ]
    )


def logged_in(config: Config, name: str, **client: Any) -> Visitor:
    one = visitor(config, **client)
    one.get("/console/login")
    answer = one.post("/console/login", {"name": name, "password": PASSWORD})
    assert (answer.status_code, answer.url.path) == (200, "/held/console"), answer.text
    return one


def log_in(window: Window, base: str, name: str, password: str = PASSWORD) -> None:
    """The same in a real browser."""
    window.open(f"{base}/console/login")
    window.write("#name", name)
    window.write("#password", password)
    window.click("main button[type=submit]")
    window.page.wait_for_url(f"{base}/console")
