"""White- and blacklists, bans and traps: of the platform, and of each recipient domain."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tamis.database import LIST_ENTRY
from tamis.list_store import ListStore, configured_entries
from tamis.lists import CONFIGURED, PLATFORM, BadEntry, Entry, ListName, recipient_domain
from tamis.web.console.access import Console, changed, shown
from tamis.web.forms import Form

ON_A_PAGE: Final = 100
_LAST: Final = "\U0010ffff"


def _show(console: Console, problem: str = "") -> Response:
    name = list_name(console.asked("list", ListName.WHITELIST_SENDER.value))
    domain = whose(console, console.asked("domain", PLATFORM if console.account.sees is None else ""))
    text, after = console.asked("text").lower(), console.asked("after")
    found = entries(ListStore(console.house.config.database_url), name, domain, text, after)
    return console.page(
        "lists.html",
        400 if problem else 200,
        names=list(CONFIGURED),
        name=name,
        domain=domain,
        domains=console.account.domains,
        entries=found[:ON_A_PAGE],
        after=found[ON_A_PAGE - 1].value if len(found) > ON_A_PAGE else "",
        configured=_configured(console, name, domain),
        text=text,
        problem=problem,
    )


def list_name(text: str) -> ListName:
    if text not in [name.value for name in CONFIGURED]:
        raise HTTPException(404)
    return ListName(text)


def whose(console: Console, text: str) -> str:
    """Return whose list is meant: a domain, or the platform. Raises `HTTPException`, 404, for what is not seen."""
    text = text.strip()
    if console.account.sees is not None and not text:
        text = console.account.domains[0]
    try:
        domain = recipient_domain(text) if text else PLATFORM
    except BadEntry:
        raise HTTPException(404) from None
    if not console.account.sees_domain(domain):
        raise HTTPException(404)
    return domain


def entries(store: ListStore, name: ListName, domain: str, text: str, after: str) -> Sequence[Any]:
    """Entries that begin so, in their order, one more than a page has."""
    table = LIST_ENTRY.c
    query = select(LIST_ENTRY).where(table.list == name.value, table.domain == domain, table.value > after)
    if text:
        query = query.where(table.value >= text, table.value < text + _LAST)
    with store.read() as connection:
        if connection is None:
            return []
        return connection.execute(query.order_by(table.value).limit(ON_A_PAGE + 1)).all()


def _configured(console: Console, name: ListName, domain: str) -> list[Entry]:
    return [one for one in configured_entries(console.house.config) if one.list == name and one.domain == domain]


def _change(console: Console, form: Form) -> Response:
    name, domain = list_name(form.one("list")), whose(console, form.one("domain"))
    value, note = form.one("value").strip(), form.one("note").strip()[:255]
    store = ListStore(console.house.config.database_url)
    if form.one("do") == "remove":
        console.audit(f"remove from {name.option}", value, domain)
        store.remove(name, value, domain)
    else:
        days = form.one("days")
        expires = datetime.now(UTC) + timedelta(days=int(days)) if days in ("1", "7", "30", "365") else None
        if name is ListName.BAN_IP and expires is None:
            expires = datetime.now(UTC) + timedelta(days=1)
        console.audit(f"add to {name.option}", value, domain, note)
        try:
            store.add(name, value, domain, console.account.name, expires, note)
        except BadEntry as error:
            return _show(console, str(error))
    return console.back(f"/console/lists?list={name.value}&domain={domain}")


ROUTES: Final = [
    Route("/console/lists", shown(_show), methods=["GET"]),
    Route("/console/lists", changed(_change), methods=["POST"]),
]
