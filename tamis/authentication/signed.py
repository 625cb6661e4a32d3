"""A message as its signers saw it: CRLF line ends, canonical forms (RFC 6376, section 3.4). Each is made once.

Everything takes a time that is linear in the octets, whatever they are; hence no regular expressions over white space
(docs/decisions/0018).
"""

import hashlib
from collections.abc import Iterable

from tamis.authentication.tags import without_signature
from tamis.message import Message
from tamis.mime import Field


class SignedMessage:
    """The fields and the body of a message, for signatures to be held against."""

    def __init__(self, message: Message) -> None:
        self.fields = message.headers
        self.complete = not message.size_capped and not message.header_block.capped
        """Whether all of the message is here."""
        self._body = message.body
        self._bodies: dict[bool, tuple[bytes, int]] = {}
        self._relaxed: dict[int, bytes] = {}
        self._numbers = message.numbers

    def numbers(self, name: bytes) -> list[int]:
        """Return where the fields of a lower-case name stand, from the top."""
        return self._numbers.get(name, [])

    def field(self, number: int, relaxed: bool) -> bytes:
        """Return a field as it is hashed, with the line end."""
        if not relaxed:
            return simple_field(self.fields[number])
        form = self._relaxed.get(number)
        if form is None:
            form = self._relaxed[number] = relaxed_field(self.fields[number])
        return form

    def own_field(self, number: int, relaxed: bool) -> bytes:
        """Return a signature as it covers itself: an empty b=, no line end."""
        field = self.fields[number]
        bare = Field(field.name, without_signature(field.value))
        return (relaxed_field(bare) if relaxed else simple_field(bare)).removesuffix(b"\r\n")

    def chosen(self, names: Iterable[bytes], relaxed: bool, but: int) -> Iterable[bytes]:
        """Yield the fields that h= names in lower case: of fields of one name the lowest first, each once (5.4.2).

        The field with the number `but`, the signature itself, is not among them.
        """
        left: dict[bytes, list[int]] = {}
        for name in names:
            if name not in left:
                left[name] = [number for number in self.numbers(name) if number != but]
            if left[name]:
                yield self.field(left[name].pop(), relaxed)

    def body_hash(self, relaxed: bool) -> tuple[bytes, int]:
        """Return the SHA-256 of the body, and how many octets went into it."""
        if relaxed not in self._bodies:
            body = canonical_body(self._body, relaxed)
            self._bodies[relaxed] = (hashlib.sha256(body).digest(), len(body))
        return self._bodies[relaxed]


def simple_field(field: Field) -> bytes:
    return field.name + b":" + field.value.replace(b"\n", b"\r\n") + b"\r\n"


def relaxed_field(field: Field) -> bytes:
    value = _single_spaces(field.value.replace(b"\n", b"")).strip(b" ")
    return field.name.lower() + b":" + value + b"\r\n"


def canonical_body(body: bytes, relaxed: bool) -> bytes:
    """Return a body with LF line ends in its canonical form, with CRLF."""
    if body and not body.endswith(b"\n"):
        body += b"\n"
    if relaxed:
        body = _single_spaces(body).replace(b" \n", b"\n")
    body = body.rstrip(b"\n")
    if not body:
        return b"" if relaxed else b"\r\n"
    return body.replace(b"\n", b"\r\n") + b"\r\n"


def _single_spaces(octets: bytes) -> bytes:
    octets = octets.replace(b"\t", b" ")
    while b"  " in octets:  # Runs are halved: as often as the longest run has binary digits.
        octets = octets.replace(b"  ", b" ")
    return octets
