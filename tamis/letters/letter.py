"""A mail of ours as octets: nothing that a stranger has written gets into a header field but as harmless words."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_MESSAGE_ID: Final = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,200}@[A-Za-z0-9.\[\]:-]{1,200}>")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to one address. `answers` is the Message-ID of what it is about, empty for none.

    `automatic` is the value of Auto-Submitted (RFC 3834, section 5).
    """

    to: str
    subject: str
    text: str
    html: str
    language: str
    automatic: str
    answers: str = ""


def one_line(text: str, most: int) -> str:
    """Return what a stranger has written as one line without what cannot be seen, or turns what follows around."""
    flat = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def octets(letter: Letter, sender: str, sender_name: str, message_id: str, now: datetime) -> bytes:
    """Return a letter as it goes over the wire, lines ending in CRLF.

    No server that knows only ASCII is asked for more: addresses that need more are left out of To, which is no loss.
    """
    mail = EmailMessage(policy=SMTP)
    local, _, domain = sender.rpartition("@")
    mail["From"] = Address(one_line(sender_name, 100), local, domain)
    mail["To"] = letter.to if _ADDRESS.fullmatch(letter.to) else "undisclosed-recipients:;"
    mail["Subject"] = one_line(letter.subject, 200)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id
    if _MESSAGE_ID.fullmatch(letter.answers):
        mail["In-Reply-To"] = letter.answers
        mail["References"] = letter.answers
    mail["Auto-Submitted"] = letter.automatic
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(_without_surrogates(letter.text), cte="quoted-printable")
    mail.add_alternative(_without_surrogates(letter.html), subtype="html", cte="quoted-printable")
    # Earlier it would go down to the first part.
    mail["Content-Language"] = letter.language
    return mail.as_bytes()


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
