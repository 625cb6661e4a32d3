"""The header as it stood on the wire: what was added at or after delivery taken away.

A message learned out of a mailbox has more header fields than the same message had when the milter
saw it: those of the final delivery, of the mailbox, and our own verdict, which would teach the
classifier to repeat itself. Both must give the same features.
"""

from typing import Final

from tamis.message import Message

_AT_DELIVERY: Final = frozenset({b"return-path", b"delivered-to"})
"""Fields written by the delivering MTA (RFC 5321, section 4.4): they show that the message was
delivered, and so that its first Received: is the one the milter never sees."""

_ADDED: Final = _AT_DELIVERY | frozenset(
    {
        b"x-original-to",
        b"x-envelope-to",
        b"authentication-results",
        b"status",
        b"x-status",
        b"x-keywords",
        b"x-uid",
        b"x-uidl",
        b"lines",
        b"content-length",
        b"x-mozilla-status",
        b"x-mozilla-status2",
        b"x-gmail-labels",
        b"x-ico-bay",
        b"x-error-return-path",
        b"x-helo-in-domain",
        b"x-org-in-ip-address",
        b"x-rcpt-to",
        b"x-icoservermsgid",
    }
)
_ADDED_PREFIXES: Final = (b"x-spam-", b"x-tamis-", b"x-icodia-")


def message_on_the_wire(message: Message) -> Message:
    """Return the message as the milter saw it before it was delivered."""
    block = message.header_block
    header = header_on_the_wire(message, len(message.raw))
    return Message(header + (b"\n" if block.ended_early else b"\n\n") + message.body)


def header_on_the_wire(message: Message, most: int) -> bytes:
    """Return up to `most` bytes of the header fields, as ``Name: value`` lines with their folding."""
    lines: list[bytes] = []
    size = 0
    delivered = False
    received_seen = False
    for field in message.headers:
        name = field.name.lower()
        if name in _ADDED or name.startswith(_ADDED_PREFIXES):
            delivered = delivered or name in _AT_DELIVERY
            continue
        if name == b"received" and not received_seen:
            received_seen = True
            if delivered:
                continue
        line = field.name + b":" + field.value
        lines.append(line)
        size += len(line) + 1
        if size >= most:
            break
    return b"\n".join(lines)[:most]
