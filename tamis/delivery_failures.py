"""Reports that mail was not delivered (NDRs): whose delivery failed, and of which message of ours (SPEC, row 7).

Known are reports as RFC 3464 has them, of which some recipient's ``Action:`` is *failed*, and what a mail system says
in words when it sends a message back, unless its subject speaks of a delay. Delays, successes, receipts (RFC 8098) and
automatic replies (RFC 3834) are none. All of it is a stranger's word; who names a Message-ID of ours has seen our
message, though.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.addresses import normalise_address, parse_mailboxes
from tamis.message import Message, normalise
from tamis.mime import Field, HeaderBlock, Part, parse_header
from tamis.notices import is_from_daemon

_STATUS: Final = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_HEADER: Final = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
_FAILED: Final = "failed"
_ID_FIELD: Final = re.compile(r"^[>| \t]{0,8}Message-ID:[ \t]*(?:\n[ \t]+)?(<[^<>\s]{1,500}>)", re.I | re.M)
_ID: Final = re.compile(r"<([^<>\s@]{1,400}@[^<>\s@]{1,400})>")
_DELAY: Final = re.compile(r"\bdelay|\bwarning|\bretried\b|\bnot yet\b|\bstill\b", re.I)
_OTHER_REPORTS: Final = ("message/disposition-notification", "message/feedback-report")
_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report says: the recipients without delivery (normalised; none named: all of them), and the message, by
    digests of its Message-ID and ENVID."""

    recipients: tuple[str, ...]
    keys: tuple[str, ...]


def message_key(message_id: str) -> str:
    """Return the digest of a Message-ID, with or without its angle brackets; empty for none."""
    return _digest("message", message_id.strip().removeprefix("<").removesuffix(">"))


def envelope_key(envelope_id: str) -> str:
    """Return the digest of an envelope identifier (RFC 3461, ENVID) as it was meant, not as xtext; empty for none."""
    return _digest("envelope", envelope_id.strip())


def _digest(kind: str, name: str) -> str:
    if not name or len(name) > limits.MESSAGE_ID_CHARS:
        return ""
    words = f"{kind}\0{name}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(words, digest_size=_KEY_BYTES).hexdigest()


def quoted_keys(message: Message) -> list[str]:
    """Return the digests of the Message-IDs that a message names: as what it answers, or anywhere in its text."""
    texts = [field.text for name in ("in-reply-to", "references") for field in message.fields(name)]
    found: dict[str, None] = {}
    for text in (*texts, *_returned_ids(message), message.text):
        for match in _ID.finditer(text):
            found[message_key(match[1])] = None
            if len(found) >= limits.QUOTED_IDS:
                return list(found)
    return list(found)


def read_failure(message: Message) -> Failure | None:
    """Return what a report of failure says, None for what is none, or names no message."""
    part = _status_part(message)
    said = _said_in_words(message) if part is None else _said_by_report(message, part)
    if said is None:
        return None
    recipients, envelope_id, returned = said
    keys = (envelope_key(envelope_id), message_key(returned))
    found = tuple(key for key in keys if key)
    plain = (address for address in recipients if address.isprintable() and len(address) <= limits.ADDRESS_CHARS)
    return Failure(tuple(dict.fromkeys(plain)), found) if found else None


_Said = tuple[list[str], str, str]
"""Recipients, ENVID and Message-ID."""


def _status_part(message: Message) -> Part | None:
    """Return the part with the status of deliveries; deeper down it belongs to a message that is enclosed."""
    containers = message.tree.containers
    depth = 2 if containers and containers[0].startswith("multipart/") else 0
    return next((part for part in message.parts if part.content_type in _STATUS and part.depth <= depth), None)


def _said_by_report(message: Message, part: Part) -> _Said | None:
    pieces = re.split(rb"\n[ \t]*\n", normalise(part.payload).strip(b"\n"), maxsplit=limits.REPORT_GROUPS)
    groups = [parse_header(piece) for piece in pieces[: limits.REPORT_GROUPS]]
    failed = [group for group in groups if _value(group, "action").lower().startswith(_FAILED)]
    if not failed:
        return None
    names = ("original-recipient", "final-recipient")
    recipients = [_recipient(_value(group, name)) for group in failed for name in names]
    envelope_id = _value(groups[0], "original-envelope-id")
    return [address for address in recipients if address], envelope_id, next(_returned_ids(message), "")


def _value(group: HeaderBlock, name: str) -> str:
    return next((field.text for field in group.fields if field.name.lower() == name.encode()), "")


def _recipient(value: str) -> str:
    """Return the address in ``rfc822; user@example.org``, or in what has no type; empty where there is none."""
    address = value.rpartition(";")[2].strip()
    return normalise_address(address) if "@" in address else ""


def _said_in_words(message: Message) -> _Said | None:
    """What a mail system says that returns a message. Exim names the recipients; where nobody does, it is all."""
    fields = message.fields("x-failed-recipients")[: limits.REPORTED_DOMAINS]
    if not fields and not is_from_daemon(message):
        return None
    if _DELAY.search(message.subject) or any(part.content_type in _OTHER_REPORTS for part in message.parts):
        return None
    quoted = _ID_FIELD.search(message.text)
    returned = next(_returned_ids(message), quoted[1] if quoted else "")
    return [box.address for field in fields for box in parse_mailboxes(field.value)], "", returned


def _returned_ids(message: Message) -> Iterator[str]:
    """Yield the Message-ID of the message that is sent back, as a whole or its header alone."""
    headers: list[tuple[Field, ...]] = list(message.tree.enclosed[:1])
    parts = (part for part in message.parts if part.content_type in _RETURNED_HEADER)
    headers += [parse_header(normalise(part.payload)).fields for part in parts]
    for fields in headers:
        found = next((field.text for field in fields if field.name.lower() == b"message-id"), "")
        if found:
            yield found
