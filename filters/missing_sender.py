"""Row 11: has the message no author, or a null sender without being a notice?

Why it works: every message has an author (RFC 5322, section 3.6), and mail software never leaves From: out.
The null sender is for notices that nobody may answer (RFC 5321, section 4.5.5): bounces, receipts,
automatic replies. Spam software takes it because checks of the sender then find nothing to check, and what
it sends does not look like a notice. SPEC, section 1, row 11.

No From: at all decides. A null sender passes when one clause below holds: a report (RFC 3464, 5965, 6533,
8098, which replaces 3798), an automatic reply (RFC 3834), a daemon as author, a returned message, or a
recipient of this message quoted in its body. Otherwise it scores, and decides where the score is strong.

Message-IDs that we sent cannot be recognised yet: nothing keeps them. A body that quotes one passes only
where another clause holds.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from tamis import limits
from tamis.contract import Abstain, Context, Filter, Hit, Stage
from tamis.mail import Mail
from tamis.message import Message
from tamis.mime import header_value, parse_parameters

ODD_POINTS: Final = 1.0
"""What a null sender without the shape of a notice adds to the score; measured in docs/how-it-works.md."""
STRONG_SHARE: Final = 0.5
"""The share of the recipient's level at which the score is strong spam evidence; measured there too."""

_REPORTS = ("delivery-status", "disposition-notification", "feedback-report")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")
_AUTOMATIC_FIELDS = ("x-autoreply", "x-autorespond", "x-ms-exchange-inbox-rules-loop", "x-failed-recipients")
_AUTOMATIC_SUBJECT = re.compile(r"(?:auto|auto[ -]?reply|automatic reply|auto[ -]?response|out of office) ?:", re.I)
_DAEMONS = frozenset(("mailerdaemon", "postmaster", "daemon", "mdaemon", "maildaemon", "mailsystem"))
_DAEMON_PREFIX = "maildeliver"
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_ANGLES = re.compile(r"<[^<>]*>")
_FIELD_LINE = re.compile(r"[>| \t]*(received|message-id|from|to|subject|date|return-path)[ \t]*:", re.I)
_FOLDED_LINE = re.compile(r"[>|]*[ \t]+\S")
_INTRODUCTION = re.compile(r"\b(?:original|returned|undelivered|bounced|message headers)\b", re.I)
_ADDRESS = re.compile(r"(?<![\w.!#$%&+/=?^~-])[\w.!#$%&+/=?^~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.A)


class MissingSender(Filter):
    name = "missing-sender"
    stage = Stage.MESSAGE
    scores = True
    tests = {
        "NO_AUTHOR": "no From: field",
        "NULL_SENDER_NOTICE": "a null sender, as it is right for a notice",
        "NULL_SENDER_ODD": "a null sender on a message that is no notice",
    }

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        message = mail.message
        if not message.fields("from"):
            if message.header_block.capped:
                raise Abstain("a cap kept some header fields from being looked at")
            yield Hit("NO_AUTHOR", "there is no From: field", decides=True, amount=0.0)
        elif not mail.sender_known:
            raise Abstain("the envelope sender is not known")
        elif not mail.sender:
            yield from self._null_sender(mail)

    def _null_sender(self, mail: Mail) -> Iterator[Hit]:
        clause = shape_of_a_notice(mail.message)
        if clause:
            yield Hit("NULL_SENDER_NOTICE", f"null sender, and {clause}", amount=0.0)
            return
        quoted = quoted_recipients(mail)
        others = [recipient for recipient in dict.fromkeys(mail.recipients) if recipient not in quoted]
        if others and mail.message.capped:
            raise Abstain("a cap kept from view what might make it a notice")
        for recipient in quoted:
            because = f"null sender, and the body quotes {recipient}"
            yield Hit("NULL_SENDER_NOTICE", because, recipient=recipient, amount=0.0)
        for recipient in others if quoted else [""]:
            because = "null sender, and no sign of a notice"
            yield Hit("NULL_SENDER_ODD", because, recipient=recipient, amount=ODD_POINTS, decides_at_share=STRONG_SHARE)


def shape_of_a_notice(message: Message) -> str:
    """Return the first clause that makes the message a notice, in words; empty where none does."""
    return next((words for words, holds in CLAUSES.items() if holds(message)), "")


def is_report(message: Message) -> bool:
    """Whether it says of itself, or holds a part, that reports a delivery, a reading or a complaint."""
    _, parameters = parse_parameters(header_value(message.headers, b"content-type"))
    kinds = {part.content_type.removeprefix("message/").removeprefix("global-") for part in message.parts}
    return not kinds.isdisjoint(_REPORTS) or parameters.get("report-type", "").lower() in _REPORTS


def is_automatic(message: Message) -> bool:
    """Whether a field says that no person sent it. X-Auto-Response-Suppress and Precedence: bulk say no such thing."""
    submitted = re.split(r"[;(\s]", (message.header("auto-submitted") or "no").lower(), maxsplit=1)[0]
    if submitted not in ("", "no"):
        return True
    if (message.header("precedence") or "").lower().replace("-", "_") == "auto_reply":
        return True
    if any((message.header(name) or "no").lower() != "no" for name in _AUTOMATIC_FIELDS):
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


def quoted_recipients(mail: Mail) -> list[str]:
    """Return the recipients of the message whose address stands in its text. One within a URL does not count."""
    written = {match[0].lower() for match in _ADDRESS.finditer(mail.message.text)}
    return [recipient for recipient in dict.fromkeys(mail.recipients) if recipient in written]


CLAUSES: Final[dict[str, Callable[[Message], bool]]] = {
    "it is a report": is_report,
    "it says that it is automatic": is_automatic,
    "its author is a mail system": is_from_daemon,
    "it encloses a message": returns_message,
    "its text quotes a header": returns_header_in_text,
}
"""What makes a message a notice, in words, in the order in which it is looked for."""
