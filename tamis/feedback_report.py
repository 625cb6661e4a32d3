"""Feedback reports: what a mailbox provider says when somebody complains of a message (ARF, RFC 5965)."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from tamis import limits
from tamis.addresses import bare_address, normalise_address
from tamis.complaints import Complaint, Kind, checked_value
from tamis.lists import BadEntry
from tamis.mail import parse_ip
from tamis.message import Message, normalise
from tamis.mime import HeaderBlock, parse_header

_PART: Final = "message/feedback-report"
_NO_COMPLAINT: Final = frozenset({"not-spam", "auth-failure", "opt-out", "opt-out-list", "dkim"})
"""Types that accuse nobody: RFC 6430, RFC 6591, and what RFC 6650 takes out of use."""
TYPES: Final = frozenset({"abuse", "fraud", "virus", "other"})
"""What complaints are of (RFC 5965, section 7.3); any other type is "other"."""
_DIGEST_BYTES: Final = 20


class NoReport(ValueError):
    """The message is no feedback report that can be used; the text says why in one line."""


class NoComplaint(ValueError):
    """The report complains of nobody: that a message is no spam, or that a signature is wrong."""


@dataclass(frozen=True, slots=True)
class Report:
    """A feedback report: its type, when the message it is about arrived, and what it accuses."""

    type: str
    at: datetime
    accused: tuple[tuple[Kind, str], ...]
    reporter: str
    digest: str

    def complaints(self, source: str) -> list[Complaint]:
        """Return the complaint of each accused."""
        return [
            Complaint(kind, value, self.digest, self.reporter, self.type, self.at, source)
            for kind, value in self.accused
        ]


def read_report(message: Message, now: datetime) -> Report:
    """Return the report that a message is. Raises `NoReport` or `NoComplaint`.

    What is accused are the address that the message came from (Source-IP:), its envelope sender
    (Original-Mail-From:), and the domains that the report names (Reported-Domain:). All of it is a stranger's word.
    """
    part = next((part for part in message.parts if part.content_type == _PART), None)
    if part is None:
        raise NoReport("is no feedback report (RFC 5965)")
    header = parse_header(normalise(part.payload))
    kind = _first(header, "feedback-type").lower()
    if kind in _NO_COMPLAINT:
        raise NoComplaint(kind)
    accused = tuple(dict.fromkeys(_accused(header)))
    if not accused:
        raise NoReport("names neither an address, a sender nor a domain")
    return Report(
        type=kind if kind in TYPES else "other",
        at=_arrival(header, message, now),
        accused=accused,
        reporter=_reporter(header, message),
        digest=_digest(message, part.payload),
    )


def _digest(message: Message, fields: bytes) -> str:
    """Return what is the same for all copies of a report: a file, an mbox and another mailbox differ around it."""
    name = message.header("message-id")
    same = f"{name}\0".encode("utf-8", "surrogatepass") + normalise(fields).strip() if name else message.raw.strip()
    return hashlib.blake2b(same, digest_size=_DIGEST_BYTES).hexdigest()


def _all(header: HeaderBlock, name: str) -> list[str]:
    found = [field.text for field in header.fields if field.name.lower() == name.encode()]
    return found[: limits.REPORTED_DOMAINS]


def _first(header: HeaderBlock, name: str) -> str:
    return next(iter(_all(header, name)), "")


def _accused(header: HeaderBlock) -> list[tuple[Kind, str]]:
    named = [
        (Kind.IP, str(parse_ip(_first(header, "source-ip").strip("[]")) or "")),
        (Kind.SENDER, bare_address(_first(header, "original-mail-from"))),
        *((Kind.DOMAIN, domain) for domain in _all(header, "reported-domain")),
    ]
    found = []
    for kind, value in named:
        try:
            found.append((kind, checked_value(kind, value)))
        except BadEntry:
            continue
    return found


def _arrival(header: HeaderBlock, message: Message, now: datetime) -> datetime:
    """When the message arrived, or the report was written; never later than now."""
    for text in (_first(header, "arrival-date"), _first(header, "received-date"), message.header("date") or ""):
        try:
            moment = parsedate_to_datetime(re.sub(r"\s*\(.*", "", text))
            return min(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC), now)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return now


def _reporter(header: HeaderBlock, message: Message) -> str:
    """Who complains: the recipient of the message where the report says so, else who wrote the report."""
    recipient = normalise_address(bare_address(_first(header, "original-rcpt-to")))
    authors = [box.address for box in message.authors]
    return recipient or next(iter(authors), "") or _first(header, "reporting-mta").lower()
