"""The HTTP interface to what the classifier is taught: by a file, by a held message, taken back."""

from typing import Any, Final

from starlette.exceptions import HTTPException

from tamis.learning.journal import Journal
from tamis.web.console import learning
from tamis.web.console.access import UPLOADS_ASKED, Console
from tamis.web.console.lists import whose
from tamis.web.console.teaching import teach_file
from tamis.web.console.tokens import OCTETS, api_route

Json = dict[str, Any]


def _is_spam(what: object) -> bool:
    if what not in ("spam", "ham"):
        raise ValueError("as is spam or ham")
    return what == "spam"


def _taught(console: Console, _: Json) -> Json:
    names = ("by", "domain", "ham", "spam")
    return {
        "taught": [
            {**{name: getattr(one, name) for name in names}, "source": one.source.value, "last": _time(one.last_at)}
            for one in Journal(console.house.config.database_url).taught()
            if learning.seen(console, one)
        ]
    }


def _time(moment: Any) -> str:
    return str(moment.isoformat(timespec="seconds"))


def _teach(console: Console, said: Json) -> Json:
    spam, domain = _is_spam(console.asked("as")), whose(console, console.asked("domain"))
    found = teach_file(console, said[OCTETS], console.asked("name"), spam, domain)
    names = ("learned", "known", "left_out", "by", "domain")
    return {**{name: getattr(found, name) for name in names}, "since": _time(found.since)}


def _undo(console: Console, said: Json) -> Json:
    by, since = said.get("by", console.account.name), said.get("since", "")
    if not isinstance(by, str) or not isinstance(since, str):
        raise ValueError("by and since are texts")
    return {"undone": learning.undo(console, by.replace("\0", "")[:255], since[:40])}


def _teach_held(console: Console, said: Json) -> Json:
    try:
        return {"learned": learning.teach_held(console, console.request.path_params["id"], _is_spam(said.get("as")))}
    except HTTPException:
        raise HTTPException(404, "there is no such copy to learn") from None


ROUTES: Final = [
    api_route("/held/{id:str}/learn", "POST", _teach_held),
    api_route("/learning", "GET", _taught),
    api_route("/learning", "POST", _teach, octets=UPLOADS_ASKED),
    api_route("/learning", "DELETE", _undo),
]
