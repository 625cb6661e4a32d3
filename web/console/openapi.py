"""The HTTP interface described, as OpenAPI 3.1; a test holds it to the paths there are."""

from typing import Any, Final

from tamis import __version__

Json = dict[str, Any]


def _query(name: str, text: str, kind: str = "string") -> Json:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": kind}}


def _path(name: str, text: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}


def _body(**fields: Json) -> Json:
    schema = {"type": "object", "properties": fields, "additionalProperties": False}
    return {"required": False, "content": {"application/json": {"schema": schema}}}


def _says(text: str) -> Json:
    answer = {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
    problem = {"$ref": "#/components/responses/problem"}
    return {"200": answer, **dict.fromkeys(("400", "401", "403", "404", "413", "429", "503"), problem)}


_TEXT: Final[Json] = {"type": "string"}
_AS: Final[Json] = {"type": "string", "enum": ["spam", "ham"]}
_YES: Final[Json] = {"type": "boolean"}
_ROLE: Final[Json] = {"type": "string", "enum": ["platform", "domain", "auditor"]}
_MAILBOX: Final = _path("address", "of a mailbox")
_LIMIT: Final = _query("limit", "how many at most, 1 to 200; 50", "integer")
_AFTER: Final = _query("after", "what the page before said")
_WHEN: Final = "12h, 7d, or a date such as 2030-01-31"
_ID: Final = _path("id", "16 hexadecimal digits, a dot and a number: one copy")
_LIST: Final = _path("list", "whitelist_sender, blacklist_ip and so on")
_OWNER: Final = _path("owner", "a domain, an address, default, or policy:NAME")
_DOMAIN: Final = _query("domain", "whose entries; empty: the platform's")

_PATHS: Final[Json] = {
    "/decisions": {
        "get": {
            "summary": "Find decisions, the newest first",
            "parameters": [
                _query("text", "a whole address, domain, id, Message-ID or IP address"),
                _query("sender", "the envelope sender, or its domain"),
                _query("recipient", "a recipient, or a recipient domain"),
                _query("verdict", "ham, spam, malware, later, outgoing or unknown"),
                _query("row", "decided by this row"),
                _query("since", _WHEN), _query("until", _WHEN), _LIMIT, _AFTER,
            ],
            "responses": _says("decisions with their explanations, and what to go on after"),
        }
    },
    "/decisions/{id}": {
        "get": {
            "summary": "Explain a decision",
            "parameters": [_path("id", "our id of the message")],
            "responses": _says("the decision"),
        }
    },
    "/held": {
        "get": {
            "summary": "Find held mail, the newest first",
            "parameters": [
                _query("text", "in subject, sender, author and Message-ID"),
                _query("whose", "a recipient or a recipient domain"),
                _query("state", "held, released, delivered, expired, deleted or all"), _LIMIT, _AFTER,
            ],
            "responses": _says("copies, and what to go on after"),
        }
    },
    "/held/{id}": {
        "get": {"summary": "One copy", "parameters": [_ID], "responses": _says("the copy")},
        "delete": {"summary": "Delete a held copy", "parameters": [_ID], "requestBody": _body(note=_TEXT),
                   "responses": _says("whether it was held")},
    },
    "/held/{id}/text": {
        "get": {
            "summary": "Look at the text of a held message; who looks is written down", "parameters": [_ID],
            "responses": _says("the text, and the names of its files"),
        }
    },
    "/held/{id}/release": {
        "post": {"summary": "Release a held copy", "parameters": [_ID], "requestBody": _body(note=_TEXT, malware=_YES),
                 "responses": _says("whether it was held; malware stays unless it is said to be none")},
    },
    "/held/{id}/learn": {
        "post": {"summary": "Teach the classifier a held message", "parameters": [_ID],
                 "requestBody": _body(**{"as": _AS}),
                 "responses": _says("whether it was new to it")},
    },
    "/learning": {
        "get": {"summary": "Who taught the classifier how much", "parameters": [], "responses": _says("who, for whom")},
        "post": {"summary": "Teach the classifier a message or an mbox",
                 "parameters": [
                     {"name": "as", "in": "query", "required": True, "description": "what it is", "schema": _AS},
                     _query("domain", "for mail to this domain alone; empty: for the platform"),
                     _query("name", "what the file is called, for the journal of changes"),
                 ],
                 "requestBody": {"required": True, "content": {"message/rfc822": {}, "application/mbox": {}}},
                 "responses": _says("how many were learned, and since when to undo it")},
        "delete": {"summary": "Take back what somebody taught", "parameters": [],
                   "requestBody": _body(by=_TEXT, since={"type": "string", "description": _WHEN}),
                   "responses": _says("how many words were taken back")},
    },
    "/replay": {
        "get": {"summary": "What the last decisions would have been under a changed policy",
                "parameters": [
                    _query("level", "another level"), _query("mode", "another mode"),
                    _query("off", "the name of a row that is off; repeatable"), _query("days", "1, 7 or 14; 1"),
                    _query("domain", "of mail to this domain alone"),
                ],
                "responses": _says("recipients that would have got something else, with examples")},
    },
    "/lists/{list}": {
        "get": {"summary": "Entries of a list", "responses": _says("entries, and what to go on after"),
                "parameters": [_LIST, _DOMAIN, _query("text", "values that begin so"), _AFTER]},
        "post": {"summary": "Add an entry, or renew it", "parameters": [_LIST], "responses": _says("whether it is new"),
                 "requestBody": _body(value=_TEXT, domain=_TEXT, note=_TEXT, days={"type": "integer"})},
        "delete": {"summary": "Remove an entry", "parameters": [_LIST], "responses": _says("whether it was there"),
                   "requestBody": _body(value=_TEXT, domain=_TEXT)},
    },
    "/policies/{owner}": {
        "get": {"summary": "A policy: what is chosen, and what is in force", "parameters": [_OWNER],
                "responses": _says("the policy")},
        "patch": {"summary": "Set and unset keys", "parameters": [_OWNER], "responses": _says("what changed"),
                  "requestBody": _body(set={"type": "object"}, unset={"type": "array", "items": _TEXT}, note=_TEXT,
                                       confirmed=_YES)},
    },
    "/changes": {
        "get": {"summary": "Who changed what, the newest first", "parameters": [_LIMIT], "responses": _says("changes")}
    },
    "/overview": {
        "get": {
            "summary": "Sum up the last hours: verdicts, rows, tests, actions, and what people let out",
            "parameters": [_query("span", "day, week or fortnight")],
            "responses": _says("sums, by name"),
        }
    },
    "/rules": {"get": {"summary": "The rules in force", "parameters": [], "responses": _says("rules and mistakes")}},
    "/rules/proposals": {
        "get": {
            "summary": "Propose rules from what traps got and people flagged; 20 times in 10 minutes",
            "parameters": [_query("days", "7 or 30")],
            "responses": _says("phrases, and a rule file to check, none of it enabled"),
        }
    },
    "/accounts": {
        "get": {"summary": "Who may use the console", "parameters": [], "responses": _says("them, and who is locked")},
        "post": {
            "summary": "Make an account", "parameters": [],
            "requestBody": _body(name=_TEXT, password=_TEXT, role=_ROLE, domains={"type": "array", "items": _TEXT}),
            "responses": _says("its name"),
        },
    },
    "/accounts/{name}": {
        "patch": {
            "summary": "Let nobody in by an account, or again", "parameters": [_path("name", "of the account")],
            "requestBody": _body(disabled=_YES), "responses": _says("what it is now"),
        }
    },
    "/locked/{address}": {
        "post": {"summary": "Hide a mailbox from its domain's administrators", "parameters": [_MAILBOX],
                 "responses": _says("its address")},
        "delete": {"summary": "Show it again", "parameters": [_MAILBOX], "responses": _says("whether it was hidden")},
    },
    "/health": {"get": {"summary": "Whether all is well", "parameters": [], "responses": _says("reasons and gauges")}},
}  # fmt: skip


def description(base: str) -> Json:
    """Return the description; `base` is where the paths are."""
    problem = {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tamis", "version": __version__, "license": {"name": "GPL-3.0-or-later"}},
        "servers": [{"url": base}],
        "security": [{"token": []}],
        "paths": _PATHS,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "problem": {
                    "description": "what is wrong, in one line",
                    "content": {"application/json": {"schema": problem}},
                }
            },
        },
    }
