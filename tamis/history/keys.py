"""What a decision is found by: each a number made of a kind and a text, so that one index answers every question.

A key is 64 bits of BLAKE2b: its length is the same whatever the wire brought, and an index of millions stays small.
"""

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from tamis.history.decided import Decided, domain_key

_MICROSECONDS: Final = 1_000_000
_ID_BITS: Final = 10


class Kind(StrEnum):
    """What of a decision is asked for."""

    ID = "id"
    QUEUE_ID = "queue"
    HEADER_ID = "header"
    SENDER = "sender"
    AUTHOR = "author"
    RECIPIENT = "recipient"
    SENDER_DOMAIN = "sender-domain"
    RECIPIENT_DOMAIN = "recipient-domain"
    PEER = "peer"
    VERDICT = "verdict"
    ROW = "row"


def key(kind: Kind, text: str) -> int:
    """Return a signed number of 64 bits; case does not matter."""
    digest = blake2b(f"{kind.value}:{text.lower()}".encode("utf-8", "backslashreplace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def number_at(moment: datetime) -> int:
    """Return the least number that a decision of that moment may have: they ascend with time."""
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (since.days * 86400 + since.seconds) * _MICROSECONDS + since.microseconds
    return max(0, micros) << _ID_BITS


def moment_of(number: int) -> datetime:
    """Return the moment of the decision of that number."""
    return datetime.fromtimestamp((number >> _ID_BITS) / _MICROSECONDS, UTC)


def number(one: Decided) -> int:
    """Return the number of a decision in the tables: its time, and some bits of its id to tell apart what is
    decided in the same microsecond. The same decision always has the same number."""
    return (int(one.at * _MICROSECONDS) << _ID_BITS) | (key(Kind.ID, one.id) & ((1 << _ID_BITS) - 1))


def header_id(text: str) -> str:
    """Return a Message-ID as it is compared: without angle brackets."""
    return text.strip().strip("<>")


def keys(one: Decided) -> frozenset[int]:
    """Return all keys of a decision."""
    found = {key(Kind.ID, one.id), key(Kind.SENDER, one.sender), key(Kind.VERDICT, one.verdict)}
    for kind, text in (
        (Kind.QUEUE_ID, one.queue_id),
        (Kind.HEADER_ID, header_id(one.header_id)),
        (Kind.PEER, one.peer),
    ):
        if text:
            found.add(key(kind, text))
    found.update(key(Kind.AUTHOR, author) for author in one.authors)
    for author in (one.sender, *one.authors):
        if domain := domain_key(author):
            found.add(key(Kind.SENDER_DOMAIN, domain))
    for recipient in one.recipients:
        found.add(key(Kind.RECIPIENT, recipient))
        if domain := domain_key(recipient):
            found.add(key(Kind.RECIPIENT_DOMAIN, domain))
    found.update(key(Kind.ROW, share.row) for share in one.shares if share.row)
    return frozenset(found)
