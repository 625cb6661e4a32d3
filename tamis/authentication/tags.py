"""Lists of tags, as in signatures, key records and policies (RFC 6376, section 3.2). Linear in their length."""

import base64
import binascii
import re
from typing import Final

_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")
_SPACE: Final = b" \t\r\n"


def parse_tags(text: bytes) -> dict[str, str] | None:
    """Return tags and values without the space around them; None where that is no list, or names a tag twice."""
    tags: dict[str, str] = {}
    pieces = text.strip(_SPACE).split(b";")
    if not pieces[-1].strip(_SPACE):
        pieces.pop()
    for piece in pieces:
        name, equals, value = piece.partition(b"=")
        name = name.strip(_SPACE)
        if not equals or not _NAME.fullmatch(name) or name.decode() in tags:
            return None
        tags[name.decode()] = value.strip(_SPACE).decode("utf-8", "surrogateescape")
    return tags


def without_signature(value: bytes) -> bytes:
    """Return the value of a signature field with an empty b=, as it was signed (RFC 6376, section 3.5)."""
    pieces = value.split(b";")
    for number, piece in enumerate(pieces):
        name, equals, _ = piece.partition(b"=")
        if equals and name.strip(_SPACE) == b"b":
            pieces[number] = name + b"="
    return b";".join(pieces)


def decode_base64(text: str) -> bytes | None:
    """Return what base64 with white space in it stands for, None for what is none."""
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return None
