"""The HTTP interface to accounts and to mailboxes that domains' administrators do not see."""

from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from tamis.accounts import BadAccount, Role
from tamis.web.console.access import Console
from tamis.web.console.tokens import api_route

Json = dict[str, Any]


def _accounts(console: Console, _: Json) -> Json:
    names = ("name", "role", "domains", "disabled")
    found = [{name: getattr(one, name) for name in names} for one in console.accounts.all()]
    return {"accounts": found, "locked": sorted(console.accounts.locked())}


def _add(console: Console, said: Json) -> Json:
    name, password, role, domains = (said.get(key) for key in ("name", "password", "role", "domains"))
    domains = [] if domains is None else domains
    if not (isinstance(name, str) and isinstance(password, str) and isinstance(domains, list)):
        raise ValueError("name and password are texts, domains a list")
    name = name.strip().lower()
    if role not in list(Role) or not all(isinstance(one, str) for one in domains):
        raise ValueError(f"role is one of {', '.join(Role)}, domains are texts")
    console.audit("add account", name, note=f"{role} {' '.join(domains)}".strip())
    try:
        console.accounts.add(name, password, Role(role), domains, console.account.name)
    except (BadAccount, IntegrityError) as error:
        raise ValueError(str(error) if isinstance(error, BadAccount) else "it cannot be so") from None
    return {"name": name}


def _change(console: Console, said: Json) -> Json:
    name, disabled = console.request.path_params["name"], said.get("disabled")
    if not isinstance(disabled, bool):
        raise ValueError("disabled is true or false")
    console.audit("disable account" if disabled else "enable account", name)
    try:
        console.accounts.set_disabled(name, disabled)
    except BadAccount as error:
        raise ValueError(str(error)) from None
    return {"name": name, "disabled": disabled}


def _lock(console: Console, _: Json) -> Json:
    address = console.request.path_params["address"]
    console.audit("lock mailbox", address)
    try:
        return {"locked": console.accounts.lock(address, console.account.name)}
    except (BadAccount, IntegrityError) as error:
        raise ValueError(str(error) if isinstance(error, BadAccount) else "it cannot be so") from None


def _unlock(console: Console, _: Json) -> Json:
    address = console.request.path_params["address"]
    console.audit("unlock mailbox", address)
    return {"unlocked": console.accounts.unlock(address)}


ROUTES: Final = [
    api_route("/accounts", "GET", _accounts, Role.PLATFORM, Role.AUDITOR),
    api_route("/accounts", "POST", _add, Role.PLATFORM),
    api_route("/accounts/{name:str}", "PATCH", _change, Role.PLATFORM),
    api_route("/locked/{address:str}", "POST", _lock, Role.PLATFORM),
    api_route("/locked/{address:str}", "DELETE", _unlock, Role.PLATFORM),
]
