"""The HTTP interface: what the console does, for programs. `tamis.web.console.openapi` describes it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tamis.accounts import Role
from tamis.audit import Audit
from tamis.commands.common import moment
from tamis.commands.quarantine_common import iso
from tamis.history.explain import as_json
from tamis.history.queries import Page, Sought, find, named
from tamis.list_store import ListStore
from tamis.metrics.health import look
from tamis.policy_keys import canonical, domain_of_owner, shown
from tamis.policy_store import PolicyStore
from tamis.policy_view import effective
from tamis.quarantine import queries, transitions
from tamis.quarantine.queries import Found
from tamis.sender_weights import Event
from tamis.web import preview
from tamis.web.console import api_accounts, api_learning, api_replay, api_rules, held, lists, overview, policies
from tamis.web.console.access import Console
from tamis.web.console.openapi import description
from tamis.web.console.tokens import api_route
from tamis.web.house import house_of
from tamis.weight_store import Lesson

_MOST: Final = 200
_DEFAULT: Final = 50
Json = dict[str, Any]


def _limit(console: Console) -> int:
    text = console.asked("limit", str(_DEFAULT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _MOST):
        raise ValueError(f"limit is no number from 1 to {_MOST}")
    return int(text)


def _text(said: Json, name: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value.strip()


def _moment(console: Console, name: str) -> datetime | None:
    text = console.asked(name)
    return moment(text, ahead=False) if text else None


# Decisions


def _decisions(console: Console, _: Json) -> Json:
    after = console.asked("after")
    if after and not (after.isascii() and after.isdigit() and len(after) < 20):
        raise ValueError("after is what the page before said")
    null_sender_too = "sender" in console.request.query_params
    sought = Sought(
        text=console.asked("text"), verdict=console.asked("verdict"), row=console.asked("row"),
        sender=console.asked("sender") if null_sender_too else None, recipient=console.asked("recipient"),
        since=_moment(console, "since"), until=_moment(console, "until"), domains=console.account.sees,
        hidden=console.hidden,
    )  # fmt: skip
    with console.history.reading() as connection:
        number = int(after) if after else None
        page = find(connection, sought, _limit(console), number) if connection is not None else Page([], None)
    # A number that JavaScript could not hold.
    return {"decisions": [as_json(one) for one in page.decisions], "after": str(page.after) if page.after else None}


def _decision(console: Console, _: Json) -> Json:
    with console.history.reading() as connection:
        name = console.request.path_params["id"]
        one = named(connection, name, console.account.sees, console.hidden) if connection is not None else None
    if one is None:
        raise HTTPException(404, "there is no such decision")
    return as_json(one)


# Held mail


def _held(console: Console, _: Json) -> Json:
    state = console.asked("state", "held")
    if state not in held.STATES:
        raise ValueError(f"state is one of {', '.join(held.STATES)}")
    wanted = held.wanted(console, console.asked("text"), console.asked("whose"), state)
    found: list[Found] = []
    if wanted is not None:
        with console.house.store.reading() as connection:
            try:
                if connection is not None:
                    found = queries.find(connection, wanted, _limit(console), console.asked("after"))
            except KeyError:
                raise ValueError("after is what the page before said") from None
    after = found[-1].id if len(found) == _limit(console) else None
    return {"copies": [_copy(one) for one in found if console.sees(one.recipient)], "after": after}


def _copy(copy: Found) -> Json:
    names = ("id", "state", "recipient", "sender", "author", "subject", "size", "row", "test", "because", "malware")
    found: Json = {name: getattr(copy, name) for name in names}
    return found | {"message": copy.message_id, "held_at": iso(copy.held_at), "score": copy.score / 1000,
                    "level": copy.level}  # fmt: skip


def _one_held(console: Console) -> Found:
    with console.house.store.reading() as connection:
        found = queries.copies(connection, [console.request.path_params["id"]]) if connection is not None else []
    if not found or not console.sees(found[0].recipient):
        raise HTTPException(404, "there is no such copy")
    return found[0]


def _held_copy(console: Console, _: Json) -> Json:
    return _copy(_one_held(console))


def _held_text(console: Console, _: Json) -> Json:
    _one, message = held.held_content(console, "text")
    seen = preview.preview(message)
    files = [{"name": one.name, "octets": one.size} for one in seen.attachments]
    return {"text": seen.text, "html": seen.page, "cut": seen.cut, "attachments": files}


def _release(console: Console, said: Json) -> Json:
    copy, note = _one_held(console), _text(said, "note")[:200]
    settings = console.house.config.settings
    console.audit("release held mail", copy.id, copy.recipient.rpartition("@")[2], f"{copy.recipient} {note}".strip())
    released = transitions.release(
        console.house.store, [copy.id], console.account.name, settings.headers.whitelisted, note,
        malware=said.get("malware") is True, lesson=Lesson(Event.RELEASE, settings.autowhitelist.half_life_days),
    )  # fmt: skip
    return {"released": bool(released)}


def _delete(console: Console, said: Json) -> Json:
    copy, note = _one_held(console), _text(said, "note")[:200]
    console.audit("delete held mail", copy.id, copy.recipient.rpartition("@")[2], f"{copy.recipient} {note}".strip())
    return {"deleted": bool(transitions.remove(console.house.store, [copy.id], console.account.name, note))}


# Lists and policies


def _list(console: Console, _: Json) -> Json:
    name = lists.list_name(console.request.path_params["list"])
    domain = lists.whose(console, console.asked("domain"))
    store = ListStore(console.house.config.database_url)
    found = lists.entries(store, name, domain, console.asked("text"), console.asked("after"))
    shown_rows = found[: lists.ON_A_PAGE]
    return {
        "domain": domain,
        "entries": [
            {"value": row.value, "added_by": row.added_by, "added_at": iso(row.added_at),
             "expires_at": iso(row.expires_at), "note": row.note}
            for row in shown_rows
        ],
        "after": shown_rows[-1].value if len(found) > lists.ON_A_PAGE else None,
    }  # fmt: skip


def _list_add(console: Console, said: Json) -> Json:
    name, domain = lists.list_name(console.request.path_params["list"]), lists.whose(console, _text(said, "domain"))
    value, days = _text(said, "value"), said.get("days")
    if days is not None and not (isinstance(days, int) and 1 <= days <= 3650):
        raise ValueError("days is no number from 1 to 3650")
    expires = datetime.now(UTC) + timedelta(days=days) if days else None
    console.audit(f"add to {name.option}", value, domain, _text(said, "note"))
    store = ListStore(console.house.config.database_url)
    return {"new": store.add(name, value, domain, console.account.name, expires, _text(said, "note")[:255])}


def _list_remove(console: Console, said: Json) -> Json:
    name, domain = lists.list_name(console.request.path_params["list"]), lists.whose(console, _text(said, "domain"))
    value = _text(said, "value")
    console.audit(f"remove from {name.option}", value, domain)
    return {"removed": ListStore(console.house.config.database_url).remove(name, value, domain)}


def _policy(console: Console, _: Json) -> Json:
    whose = policies.owner_of(console, console.request.path_params["owner"])
    values = effective(console.house.config, whose)
    return {
        "owner": shown(whose),
        "chosen": PolicyStore(console.house.config.database_url).chosen(whose),
        "effective": {value.key: {"value": value.value, "from": str(value.origin)} for value in values},
    }


def _policy_change(console: Console, said: Json) -> Json:
    whose = policies.owner_of(console, console.request.path_params["owner"])
    changes = said.get("set", {})
    gone = said.get("unset", [])
    if not isinstance(changes, dict) or not isinstance(gone, list):
        raise ValueError("set is an object, unset a list")
    wanted = {canonical(str(key)): value for key, value in changes.items()}
    unset = [canonical(str(key)) for key in gone]
    note = ", ".join([*(f"{key}={value}" for key, value in wanted.items()), *(f"{key} unset" for key in unset)])
    console.audit("change policy", shown(whose), domain_of_owner(whose), note)
    store = PolicyStore(console.house.config.database_url)
    by, why = console.account.name, _text(said, "note")[:200]
    events = store.set(whose, wanted, by, why, said.get("confirmed") is True) if wanted else []
    events += store.unset(whose, unset, by, why) if unset else []
    return {"changed": [{"key": one.key, "old": one.old, "new": one.new} for one in events]}


# The rest


def _changes(console: Console, _: Json) -> Json:
    found = Audit(console.house.config.database_url).page(console.account.sees, _limit(console))
    names = ("id", "by", "address", "action", "subject", "domain", "note")
    return {"changes": [{"at": iso(one.at), **{name: getattr(one, name) for name in names}} for one in found]}


def _health(console: Console, _: Json) -> Json:
    found = look(console.house.config, ListStore(console.house.config.database_url))
    return {"well": not found.reasons, "reasons": found.reasons, "gauges": found.gauges}


def _openapi(request: Request) -> Response:
    return JSONResponse(description(house_of(request).url("/api/v1")))


ROUTES: Final = [
    Route("/api/v1/openapi.json", _openapi, methods=["GET"]),
    api_route("/decisions", "GET", _decisions),
    api_route("/decisions/{id:str}", "GET", _decision),
    api_route("/held", "GET", _held),
    api_route("/held/{id:str}", "GET", _held_copy),
    api_route("/held/{id:str}/text", "GET", _held_text),
    api_route("/held/{id:str}", "DELETE", _delete),
    api_route("/held/{id:str}/release", "POST", _release),
    api_route("/lists/{list:str}", "GET", _list),
    api_route("/lists/{list:str}", "POST", _list_add),
    api_route("/lists/{list:str}", "DELETE", _list_remove),
    api_route("/policies/{owner:str}", "GET", _policy),
    api_route("/policies/{owner:str}", "PATCH", _policy_change),
    api_route("/changes", "GET", _changes),
    api_route("/health", "GET", _health, Role.PLATFORM, Role.AUDITOR),
    api_route("/overview", "GET", overview.sums),
    *api_accounts.ROUTES,
    *api_learning.ROUTES,
    *api_replay.ROUTES,
    *api_rules.ROUTES,
]
