"""May the sender of a held message be told? Within narrow bounds, or notices would hit those whose names are forged.

Only an envelope sender that SPF or DKIM proves is told, and nobody whose mail says that no answer is wanted (SPEC,
section 3; RFC 3834, sections 2 and 4). What is worked out here is true of the message whatever the policies say; the
rest is the keeper's (`tamis.sender_notices`).
"""

import enum
import re
from typing import Final

from tamis.addresses import domain_of
from tamis.authentication import Authentication
from tamis.mail import Mail
from tamis.message import Message
from tamis.notices import is_automatic, is_from_daemon, is_report, is_report_in_json
from tamis.record import Verdict


class Telling(enum.StrEnum):
    """Whether the sender of a held copy has been told, is going to be, or why not; as the database keeps it."""

    NOT_HELD = ""
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    LISTED = "listed"
    CAPPED = "capped"
    EARLIER = "earlier"
    NULL_SENDER = "null-sender"
    UNPROVED = "unproved"
    AUTOMATIC = "automatic"
    BULK = "bulk"
    SPF = "spf"
    TRAP = "trap"
    MALWARE = "malware"
    OFF = "off"
    OWN_DOMAIN = "own-domain"
    NO_PAGE = "no-page"
    REFUSED = "refused"
    NEEDLESS = "needless"

    @property
    def words(self) -> str:
        """What it means, for `tamis quarantine show`."""
        return _WORDS[self]


_WORDS: Final = {
    Telling.NOT_HELD: "",
    Telling.WAITING: "waits to be sent",
    Telling.SENDING: "on its way to the sender",
    Telling.SENT: "sent to the sender",
    Telling.LISTED: "none of its own: the sender had one within a day, whose page lists this message",
    Telling.CAPPED: "none: as many as notices.most_a_day were sent that day",
    Telling.EARLIER: "none: it was held by a version that sent none",
    Telling.NULL_SENDER: "none: there is no sender to tell",
    Telling.UNPROVED: "none: neither SPF nor DKIM proves the sender",
    Telling.AUTOMATIC: "none: no person has sent it",
    Telling.BULK: "none: it came by a mailing list, or in bulk",
    Telling.SPF: "none: the sender's domain forbids the host that brought it (SPF)",
    Telling.TRAP: "none: it was sent to a trap",
    Telling.MALWARE: "none: it carries malware",
    Telling.OFF: "none: switched off (notices.enabled, or tell_sender of the domain)",
    Telling.OWN_DOMAIN: "none: the sender is in the recipient's own domain (tell_own_domain)",
    Telling.NO_PAGE: "none: there is no page to go to (web.base_url)",
    Telling.NEEDLESS: "none: it was no longer held when it was to be sent",
    Telling.REFUSED: "none: the sender's own server refused it, or was never reached",
}

RELEASABLE: Final = (Telling.WAITING, Telling.SENDING, Telling.SENT, Telling.LISTED, Telling.CAPPED)
"""Whose held copies the proven sender may see and release."""

_LIST_FIELDS: Final = ("id", "post", "help", "unsubscribe", "subscribe", "owner", "archive")
_BULK_FIELDS: Final = ("feedback-id", "x-csa-complaints", "x-mailman-version", "x-campaign", "x-campaignid")
_PRECEDENCE: Final = ("bulk", "list", "junk")
_NO_ANSWER: Final = re.compile(
    r"owner-.*|.*-(?:owner|request|bounces?|errors?|relay|admin)|bounces?(?:[+=._-].*)?|.*[+._-]bounces?(?:[+=._-].*)?"
    r"|(?:no|do[._-]?not|ne[._-]?pas)[._-]?(?:reply|repondre)(?:[+=._-].*)?|mailer-daemon|postmaster|daemon|root"
    r"|listserv|majordomo|news|newsletters?|srs[01][+=-].*|.*=.*",
    re.I,
)
_BATV: Final = re.compile(r"(?:prvs=[0-9a-z]{1,20}=|btv1==[0-9a-z]{1,20}==)(?=.)", re.I)


def of_message(mail: Mail, authentication: Authentication | None) -> Telling:
    """Return whether a message's sender may be told at all: `WAITING`, or why not."""
    local = person(mail.sender).rpartition("@")[0]
    if not mail.sender_known or not mail.sender or not local:
        return Telling.NULL_SENDER
    if _automatic(mail.message):
        return Telling.AUTOMATIC
    if _bulk(mail.message) or _NO_ANSWER.fullmatch(local):
        return Telling.BULK
    if authentication is None:
        return Telling.UNPROVED
    if authentication.spf_fails:
        return Telling.SPF
    return Telling.WAITING if authentication.aligned(domain_of(mail.sender)) else Telling.UNPROVED


def of_copy(message: Telling, verdict: Verdict) -> Telling:
    """Return the same for one recipient's held copy."""
    row = verdict.row.number if verdict.row else ""
    if verdict.malware:
        return Telling.MALWARE
    return {"13": Telling.TRAP, "5": Telling.SPF}.get(row, message)


def person(sender: str) -> str:
    """Return who is told by a notice to a normalised address: without an extension, or a tag that changes each day."""
    local, at, domain = _BATV.sub("", sender).rpartition("@")
    base = local.partition("+")[0] or local
    return f"{base}{at}{domain}"


def _automatic(message: Message) -> bool:
    if any(clause(message) for clause in (is_report, is_report_in_json, is_automatic, is_from_daemon)):
        return True
    return (message.header("x-auto-response-suppress") or "none").strip().lower() != "none"


def _bulk(message: Message) -> bool:
    if any(message.fields(f"list-{name}") for name in _LIST_FIELDS) or any(map(message.fields, _BULK_FIELDS)):
        return True
    return (message.header("precedence") or "").strip().lower() in _PRECEDENCE
