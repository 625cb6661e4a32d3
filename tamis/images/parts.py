"""Which octets of a message are images: parts, by what they begin with, and those within the markup (RFC 2397)."""

import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from tamis import limits
from tamis.message import Message
from tamis.mime import Part, decode_transfer

_BEGINNINGS: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_DATA: Final = re.compile(r"data:image/[a-z0-9.+-]{1,20}(?:;[a-z0-9=.+-]{1,40}){0,3},([^\"'<>\s)]{20,})", re.I)
_BASE64: Final = re.compile(r";base64,", re.I)
_BMP_HEADER: Final = 26
_START: Final = 200
"""Encoded octets that hold the beginning of an image."""


@dataclass(frozen=True, slots=True)
class Images:
    """Images of a message, largest first, each once. `capped`: there are more than are looked at."""

    found: tuple[bytes, ...]
    capped: bool = False


def is_image(data: bytes) -> bool:
    """Whether octets begin as an image does that mail clients show, whatever they are declared to be."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return True
    if data[:2] == b"BM":
        # Any text may begin so: the size of the file's second header must be one of those that exist.
        return len(data) >= _BMP_HEADER and data[14] in (12, 16, 40, 52, 56, 64, 108, 124) and not any(data[15:18])
    return data.startswith(_BEGINNINGS)


def images_of(message: Message) -> Images:
    """Return the images of a message. Never raises; takes no time where there are none."""
    found = dict.fromkeys(part.payload for part in message.parts if is_image(_start(part)) and is_image(part.payload))
    for part, source in message.text_parts:
        if part.content_type == "text/html" and "data:image/" in source:
            found |= dict.fromkeys(filter(is_image, _embedded(source)))
    largest = sorted(found, key=len, reverse=True)
    return Images(tuple(largest[: limits.IMAGES]), len(largest) > limits.IMAGES or message.capped)


def _start(part: Part) -> bytes:
    """Return the first octets of a part, for which not all of its encoding is undone."""
    return decode_transfer(part.raw[:_START], part.encoding)


def _embedded(source: str) -> list[bytes]:
    images: list[bytes] = []
    for match in _DATA.finditer(source):
        if len(images) > limits.IMAGES:
            break
        octets = unquote_to_bytes(match[1])
        if _BASE64.search(source, match.start(), match.start(1)):
            try:
                octets = binascii.a2b_base64(octets)
            except (binascii.Error, ValueError):
                continue
        images.append(octets)
    return images
