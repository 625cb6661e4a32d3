"""One word somebody said of one message: that it is spam, or ham. What is kept of the message is hashed features."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from tamis.content_digest import content_digest
from tamis.headers import SUBJECT_TAG
from tamis.message import Message
from tamis.models.features import FEATURES, Indices, features
from tamis.models.wire import header_on_the_wire

_HEADER_BYTES: Final = 16 * 1024
_PLANES: Final = 4
_TAGGED: Final = re.compile(rb"^(Subject:[ \t]*)" + re.escape(SUBJECT_TAG.encode()), re.I | re.M)


class Source(StrEnum):
    """Who says it, the most believed first: of one message the words of the first one here count alone."""

    ADMINISTRATOR = "administrator"
    RECIPIENT = "recipient"
    RELEASE = "release"
    TRAP = "trap"
    SELF = "self"

    @property
    def authority(self) -> int:
        """The lower, the more it is believed: recipients and releases speak for themselves alike."""
        return {Source.ADMINISTRATOR: 0, Source.RECIPIENT: 1, Source.RELEASE: 1, Source.TRAP: 2, Source.SELF: 3}[self]


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who says something, as what, and for which recipient domain (empty: for the platform)."""

    by: str
    source: Source
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a message is, and what is kept of it."""

    digest: str
    """Hexadecimal, of the content: copies of one mailing are one message."""
    spam: bool
    features: Indices


def lesson(raw: bytes, spam: bool) -> Lesson:
    """Return what is to be learned of a message, from its octets as they came or were delivered. Never raises."""
    return taught_by(_untagged(Message(raw)), spam)


def taught_by(message: Message, spam: bool) -> Lesson:
    """Return the same of a message that carries no tag of ours, as the milter sees it."""
    return Lesson(digest_of(message), spam, features(message))


def _untagged(message: Message) -> Message:
    """Return a message without the tag that Tamis put in front of its subject, which would teach our own verdict."""
    start = message.header_block.body_start
    if not message.fields("x-tamis-verdict"):
        return message
    return Message(_TAGGED.sub(rb"\1", message.raw[:start], count=1) + message.raw[start:])


def digest_of(message: Message) -> str:
    """Return what tells a message from others, wherever it is found: in the spool, or delivered into a mailbox."""
    digest = content_digest(message)
    if digest is None:
        own = hashlib.blake2b(header_on_the_wire(message, _HEADER_BYTES), digest_size=20)
        own.update(message.body)
        digest = own.digest()
    return digest.hex()


def packed(indices: Indices) -> bytes:
    """Return sorted indices as they are stored: their gaps, lowest bytes first, deflated."""
    gaps = np.diff(indices, prepend=np.uint32(0)).astype("<u4")
    return zlib.compress(gaps.view(np.uint8).reshape(-1, _PLANES).T.tobytes(), 6)


def unpacked(data: bytes) -> Indices:
    """Return what `packed` was given. Raises ValueError for anything else."""
    inflater = zlib.decompressobj()
    try:
        octets = np.frombuffer(inflater.decompress(data, _PLANES * FEATURES), dtype=np.uint8)
    except zlib.error as error:
        raise ValueError(f"features cannot be read: {error}") from None
    if not inflater.eof or len(octets) % _PLANES:
        raise ValueError("features are cut short")
    gaps = np.ascontiguousarray(octets.reshape(_PLANES, -1).T).view("<u4").ravel()
    indices = np.cumsum(gaps, dtype=np.int64)
    if len(indices) and (indices[-1] >= FEATURES or (len(indices) > 1 and not gaps[1:].all())):
        raise ValueError("features are not those of this version")
    return indices.astype(np.uint32)
