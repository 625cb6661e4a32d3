"""Policies: what an owner gets, where each value comes from, and what is chosen for it."""

from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tamis.filters.order import BY_NAME
from tamis.lists import PLATFORM, BadEntry
from tamis.policy_keys import (
    DEFAULT,
    KEYS,
    NAME_PREFIX,
    NAMED,
    OFF_CONFIRMED,
    BadPolicy,
    Key,
    domain_of_owner,
    kind_of,
    owner,
    parsed,
    shown,
    worded,
)  # fmt: skip
from tamis.policy_store import NeedsConfirmation, PolicyStore
from tamis.policy_view import effective
from tamis.settings import LEVELS
from tamis.web.console.access import Console, changed
from tamis.web.console.access import shown as shown_to
from tamis.web.forms import Form

_FIELD: Final = "key:"
_LAST: Final = 20
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Line:
    """One key on the page: what is in force and from where, what is chosen here, and what may be chosen."""

    key: str
    field: str
    effective: str
    origin: str
    chosen: str
    choices: tuple[str, ...] = ()


def _show(console: Console, problem: str = "", warning: str = "", form: Form | None = None) -> Response:
    whose = owner_of(console, form.one("owner") if form else console.asked("owner", ""))
    store = PolicyStore(console.house.config.database_url)
    chosen = store.chosen(whose)
    lines = [
        _line(value, chosen, form) for value in effective(console.house.config, whose) if value.key != OFF_CONFIRMED
    ]
    rows = {name: [line for line in lines if _row(line.key) == name] for name in BY_NAME}
    return console.page(
        "policies.html",
        400 if problem or warning else 200,
        owner=shown(whose),
        domains=console.account.domains,
        general=[line for line in lines if not _row(line.key)],
        rows=[(BY_NAME[name], theirs) for name, theirs in rows.items() if theirs],
        named=worded(chosen.get(NAMED, "")) if kind_of(whose) in (".", "@") else None,
        names=_names(store) if console.account.sees is None else [],
        events=store.history(owner=whose, limit=_LAST),
        worded=worded,
        problem=problem,
        warning=warning,
        stored=store.stored(domain=domain_of_owner(whose) or None, limit=200) if whose else store.stored(limit=200),
        shown=shown,
        sees_owner=lambda one: _sees(console, one),
        prefix=_FIELD,
    )


def _names(store: PolicyStore) -> list[str]:
    return [one.owner for one in store.stored(domain="", part=NAME_PREFIX)]


def _sees(console: Console, whose: str) -> bool:
    return console.account.sees is None or (kind_of(whose) in (".", "@") and console.sees_owner(whose))


def owner_of(console: Console, text: str) -> str:
    """Return whose policy is meant. Raises `HTTPException`, 404, for what this account does not see."""
    text = text.strip()
    if not text:
        text = DEFAULT if console.account.sees is None else console.account.domains[0]
    try:
        whose = owner(text)
    except BadEntry:
        raise HTTPException(404) from None
    if not _sees(console, whose):
        raise HTTPException(404)
    return whose


def _row(key: str) -> str:
    return KEYS[key].row


def _line(value: Any, chosen: dict[str, Any], form: Form | None) -> Line:
    key = KEYS[value.key]
    known = worded(chosen[key.name]) if key.name in chosen else ""
    said = form.one(_FIELD + key.name) if form is not None else known
    return Line(key.name, key.field, worded(value.value), str(value.origin), said, _choices(key))


def _choices(key: Key) -> tuple[str, ...]:
    if isinstance(key.default, bool):
        return ("on", "off")
    if key.name == "level":
        return tuple(f"{level:g}" for level in LEVELS)
    kinds = (key.type, *get_args(key.type))
    return next((get_args(kind) for kind in kinds if str(get_origin(kind)) == "typing.Literal"), ())


def _change(console: Console, form: Form) -> Response:
    """Set what is said, and forget what is left empty, of the keys that are on the form."""
    whose = owner_of(console, form.one("owner"))
    store = PolicyStore(console.house.config.database_url)
    chosen = store.chosen(whose)
    try:
        wanted, gone = _differences(form, chosen)
        if not wanted and not gone:
            return console.back(f"/console/policies?owner={shown(whose)}")
        note = ", ".join(
            [*(f"{key}={worded(value)}" for key, value in wanted.items()), *(f"{key} unset" for key in gone)]
        )
        domain = domain_of_owner(whose)
        console.audit("change policy", shown(whose) if whose != PLATFORM else DEFAULT, domain, note)
        if wanted:
            store.set(whose, wanted, console.account.name, form.one("note")[:200], form.one("confirmed") == "yes")
        if gone:
            store.unset(whose, gone, console.account.name, form.one("note")[:200])
    except NeedsConfirmation as error:
        return _show(console, warning=str(error), form=form)
    except BadPolicy as error:
        return _show(console, problem=str(error), form=form)
    return console.back(f"/console/policies?owner={shown(whose)}")


def _differences(form: Form, chosen: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what is to be set, and what is to be forgotten. Raises `BadPolicy`."""
    wanted: dict[str, Any] = {}
    gone: list[str] = []
    for name in (NAMED, *KEYS):
        if _FIELD + name not in form.names():
            continue
        text = form.one(_FIELD + name).strip()[:_LONGEST]
        known = worded(chosen[name]) if name in chosen else ""
        if text == known:
            continue
        if text:
            wanted[name] = parsed(name, text)
        else:
            gone.append(name)
    return wanted, gone


ROUTES: Final = [
    Route("/console/policies", shown_to(_show), methods=["GET"]),
    Route("/console/policies", changed(_change), methods=["POST"]),
]
