"""What makes a message a notice: a report, an automatic answer, what a mail system sends (RFC 3464, 3834, 5965, 8098).

Nobody may answer notices, so they come from the null sender; what comes from it without being one is row 11's
question. Anybody can write what is looked for here: it is no proof, and no more is made of it.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from tamis import limits
from tamis.message import Message
from tamis.mime import parse_parameters

_REPORTS = ("delivery-status", "disposition-notification", "feedback-report")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")
_AUTOMATIC_FIELDS = ("x-autoreply", "x-autorespond", "x-ms-exchange-inbox-rules-loop", "x-failed-recipients")
_LIST_SERVER = "x-mlserver"
_LIST_POST_FIELDS = ("x-ml-name", "x-mail-count", "x-ml-count")
_AUTOMATIC_SUBJECT = re.compile(r"(?:auto|auto[ -]?reply|automatic reply|auto[ -]?response|out of office) ?:", re.I)
_EVENTS = ("notificationType", "eventType")
_LONG_LINE_BREAK = "!\n "
_JSON = json.JSONDecoder(strict=False)
_DAEMONS = frozenset(("mailerdaemon", "postmaster", "daemon", "mdaemon", "maildaemon", "mailsystem"))
_DAEMON_PREFIX = "maildeliver"
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_ANGLES = re.compile(r"<[^<>]*>")
_FIELD_LINE = re.compile(r"[>| \t]*(received|message-id|from|to|subject|date|return-path)[ \t]*:", re.I)
_FOLDED_LINE = re.compile(r"[>|]*[ \t]+\S")
_INTRODUCTION = re.compile(r"\b(?:original|returned|undelivered|bounced|message headers)\b", re.I)


def shape_of_a_notice(message: Message) -> str:
    """Return the first clause that makes the message a notice, in words; empty where none does."""
    return next((words for words, holds in CLAUSES.items() if holds(message)), "")


def is_report(message: Message) -> bool:
    """Whether it says of itself, or holds a part, that reports a delivery, a reading or a complaint."""
    _, parameters = parse_parameters(message.header_block.value(b"content-type"))
    kinds = {part.content_type.removeprefix("message/").removeprefix("global-") for part in message.parts}
    return not kinds.isdisjoint(_REPORTS) or parameters.get("report-type", "").lower() in _REPORTS


def is_report_in_json(message: Message) -> bool:
    """Whether the text is what Amazon SES says of a message it sent, by itself or wrapped up by SNS.

    Its documentation: a string of `_EVENTS` and an object `mail`, which has the id of that message.
    """
    text = message.text.lstrip()
    if not text.startswith("{") or not any(name in text for name in _EVENTS):
        return False
    # Sendmail breaks lines of more than 990 octets, wherever that is.
    found = _json_object(text.replace(_LONG_LINE_BREAK, ""))
    if found.get("Type") == "Notification":
        found = _json_object(found.get("Message"))
    sent = found.get("mail")
    return any(isinstance(found.get(name), str) for name in _EVENTS) and isinstance(sent, dict) and "messageId" in sent


def _json_object(text: object) -> dict[str, Any]:
    """Return the object with which a text begins, an empty one where it does not."""
    try:
        found = _JSON.raw_decode(text)[0] if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_automatic(message: Message) -> bool:
    """Whether a field says that no person sent it. X-Auto-Response-Suppress and Precedence: bulk say no such thing.

    The list server fml marks what it answers by X-MLServer; what it distributes has a name and a number besides.
    """
    submitted = re.split(r"[;(\s]", (message.header("auto-submitted") or "no").lower(), maxsplit=1)[0]
    if submitted not in ("", "no"):
        return True
    if (message.header("precedence") or "").lower().replace("-", "_") == "auto_reply":
        return True
    if any((message.header(name) or "no").lower() != "no" for name in _AUTOMATIC_FIELDS):
        return True
    if message.fields(_LIST_SERVER) and not any(message.fields(name) for name in _LIST_POST_FIELDS):
        return True
    return bool(message.fields("in-reply-to") and _AUTOMATIC_SUBJECT.match(message.subject))


def is_from_daemon(message: Message) -> bool:
    """Whether the author is the mail system, by local part or display name."""
    names = [name for box in message.authors for name in (box.address.rpartition("@")[0], box.name)]
    # An author without an address, "MAILER-DAEMON <>", is no mailbox; DragonFly's mail agent writes it.
    names += [_ANGLES.sub("", field.text) for field in message.fields("from")[: limits.AUTHOR_FIELDS]]
    letters = [_NOT_LETTERS.sub("", name).lower() for name in names]
    return any(name in _DAEMONS or name.startswith(_DAEMON_PREFIX) for name in letters)


def returns_message(message: Message) -> bool:
    """Whether a message, or its header, is enclosed."""
    return not {*message.tree.containers, *(part.content_type for part in message.parts)}.isdisjoint(_RETURNED)


def returns_header_in_text(message: Message) -> bool:
    """Whether the text holds a header: three fields with Received: or Message-ID:, or four after a line that says so.

    Three alone would be the quotation that mail programs put above a forwarded text.
    """
    names: set[str] = set()
    introduction = ""
    for line in message.text.split("\n"):
        field = _FIELD_LINE.match(line)
        if field:
            names.add(field[1].lower())
            traced = not names.isdisjoint(("received", "message-id"))
            if len(names) >= (3 if traced else 4) and (traced or _INTRODUCTION.search(introduction)):
                return True
        elif not names or not _FOLDED_LINE.match(line):
            names.clear()
            introduction = line[:200] if line.strip() else introduction
    return False


CLAUSES: Final[dict[str, Callable[[Message], bool]]] = {
    "it is a report": is_report,
    "it is a report in JSON": is_report_in_json,
    "it says that it is automatic": is_automatic,
    "its author is a mail system": is_from_daemon,
    "it encloses a message": returns_message,
    "its text quotes a header": returns_header_in_text,
}
"""What makes a message a notice, in words, in the order in which it is looked for."""
