"""What of a message a virus scanner is shown, and its digest.

Left out are the fields that differ from copy to copy of a mailing and that no client opens: so a bulk mailing is one
content, scanned once. A line of an mbox stands in front, since a scanner tells mail by its first line, and the first
field of a message may be one that makes it something else: ``GIF89a: x`` would be a picture.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from tamis.message import Message

_FIRST_LINE: Final = b"From tamis\n"
LEFT_OUT: Final = frozenset(
    {
        b"received",
        b"return-path",
        b"delivered-to",
        b"x-original-to",
        b"to",
        b"cc",
        b"date",
        b"message-id",
        b"dkim-signature",
        b"arc-seal",
        b"arc-message-signature",
        b"arc-authentication-results",
        b"authentication-results",
        b"received-spf",
        b"list-unsubscribe",
    }
)


def pieces(message: Message) -> Iterator[bytes]:
    """Yield what the scanner is shown, piece by piece. Raises `OSError` where the message cannot be read any more."""
    yield _head(message)
    yield message.body
    # A carriage return that stays at the seam of two pieces is always the same one.
    for piece in message.beyond():
        yield piece.replace(b"\r\n", b"\n")


def digest(message: Message) -> bytes | None:
    """Return BLAKE2b-256 of what the scanner is shown; None of what is too long to be in memory."""
    if message.size_capped:
        return None
    found = hashlib.blake2b(_head(message), digest_size=32)
    found.update(message.body)
    return found.digest()


def _head(message: Message) -> bytes:
    block = message.header_block
    if block.capped:
        # Not all of its fields are known.
        return _FIRST_LINE + message.raw[: block.body_start]
    fields = (field for field in block.fields if field.name.lower() not in LEFT_OUT)
    return _FIRST_LINE + b"".join(b"%s:%s\n" % (field.name, field.value) for field in fields) + b"\n"
