"""What a site has learned as one file that all workers map: the keeper writes it, always as a new file.

Layout, little-endian: the front and header of `tamis.sealed_file`; then for each vector, that of the platform and those
of domains, its indices (32 bits, sorted), their ham counts and their spam counts (32-bit floating point). No text of
anybody's mail is in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import msgspec
import numpy as np

from tamis.config import Config
from tamis.models.features import FEATURES, FEATURES_VERSION, VIEWS
from tamis.models.sparse import SparseCounts
from tamis.sealed_file import seal, unseal

_MAGIC: Final = b"TAMIS-LEARNED 1\n"
_BYTES: Final = 12
"""Octets of one feature."""
PLATFORM: Final = ""

_Count = Annotated[int, msgspec.Meta(ge=0, le=FEATURES)]


class LearnedError(ValueError):
    """The file is no usable file of what was learned; the text says why in one line."""


def _refused(why: str) -> LearnedError:
    return LearnedError(f"what was learned: {why}")


class _Vector(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    domain: str
    features: _Count
    messages: list[list[float]]


class _Header(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    version: str
    """Digest of what was learned."""
    features_version: int
    vectors: list[_Vector]
    lessons: str = ""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned: counts by recipient domain, `PLATFORM` for what holds for all."""

    version: str
    vectors: Mapping[str, SparseCounts]
    lessons: str = ""
    """Digest of the messages that the platform learned, and of their weights (`building.lessons_of`)."""


def learned_path(config: Config) -> Path:
    """Return where the keeper writes the file and workers look for it."""
    return config.state_directory / "learned"


def write(path: Path, vectors: Mapping[str, SparseCounts], lessons: str) -> str:
    """Write what was learned so that a reader, or a crash, sees the old file or the new one; return its version.

    The same counts give the same octets. Raises OSError.
    """
    pieces: list[bytes] = []
    described: list[_Vector] = []
    for domain, vector in sorted(vectors.items()):
        described.append(_Vector(domain=domain, features=len(vector.indices), messages=vector.messages.tolist()))
        pieces += [vector.indices.astype("<u4").tobytes(), vector.counts.astype("<f4").tobytes()]
    header = _Header(version="", features_version=FEATURES_VERSION, vectors=described, lessons=lessons)
    digest = blake2b(msgspec.json.encode(header), digest_size=8)
    for piece in pieces:
        digest.update(piece)
    header.version = digest.hexdigest()
    seal(path, _MAGIC, header, pieces)
    return header.version


def read(file: BinaryIO) -> Learned:
    """Map an open file. Raises OSError, or `LearnedError` for anything but a whole file of this layout."""
    header, data, at = unseal(file, _MAGIC, _Header, _refused)
    if header.features_version != FEATURES_VERSION:
        raise _refused("the file has features of another version of Tamis")
    if len(data) != at + _BYTES * sum(vector.features for vector in header.vectors):
        raise _refused("the file is damaged, it is not as long as it says")
    if PLATFORM not in {vector.domain for vector in header.vectors}:
        raise _refused("the file is damaged, the platform is missing")
    vectors: dict[str, SparseCounts] = {}
    for vector in header.vectors:
        known = vector.features
        messages = np.array(vector.messages, dtype=np.float64).reshape(len(VIEWS), 2)
        counts = np.frombuffer(data, "<f4", 2 * known, at + 4 * known).reshape(2, known)
        vectors[vector.domain] = SparseCounts(np.frombuffer(data, "<u4", known, at), counts, messages)
        at += _BYTES * known
    return Learned(header.version, vectors, header.lessons)
