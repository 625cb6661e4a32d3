"""The vertex of a file: 256 bits that stay nearly the same when the file is changed a little (SPEC, row 25).

It is a SimHash (Charikar 2002): each static feature of the file votes on every bit by its own hash, and the majority
is the bit. The share of bits in which two files differ then grows with the angle between their features. Features are
of four groups, and each group has its share of the votes, however many features it has:

- structure: type, size class, the sections of a program, the names and checksums of what a ZIP file holds
- strings: a sample of the printable ones
- shingles: a sample of all runs of 8 octets
- histogram: how often each octet occurs, on a logarithmic scale

Samples are those with the lowest hashes, so that two files that share most features share most of the sample.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tamis import limits
from tamis.attachments import zips
from tamis.attachments.kinds import Kind

BITS: Final = 256
BYTES: Final = BITS // 8
_SAMPLE: Final = 512
_STRINGS: Final = 4000
_STRING_BYTES: Final = 256 * limits.KIB
_SECTIONS: Final = 32
_ENTRIES: Final = 500
_WEIGHTS: Final = (0.3, 0.6, 0.6, 0.3)
"""The shares of structure, strings, shingles and histogram; benchmarks/hypercube.py shows what they reach."""
_LEAST_STRING: Final = 6
_LONGEST_STRING: Final = 200
_PRINTABLE: Final = bytes(octet if 32 <= octet < 127 else 10 for octet in range(256))
_WIDE: Final = re.compile(rb"(?:[ -~]\0){6,200}")
_MIX: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64
)
_SHINGLE: Final = 8
_ZIPS: Final = (Kind.JAVA, Kind.DEX, Kind.OOXML_MACROS)


def sketch(data: bytes, kind: Kind) -> bytes:
    """Return the vertex of a file; of what lies behind `limits.SKETCHED_BYTES`, only the size counts."""
    looked = data[: limits.SKETCHED_BYTES]
    groups = (
        _hashed(_structure(looked, len(data), kind)),
        _lowest(_hashed(islice(_strings(looked), _STRINGS))),
        _lowest(_shingles(looked)),
        _hashed(_histogram(looked)),
    )
    votes = np.zeros(BITS)
    for hashes, weight in zip(groups, _WEIGHTS, strict=True):
        if len(hashes):
            votes += weight / np.sqrt(len(hashes)) * _votes(hashes)
    return np.packbits(votes > 0).tobytes()


def _votes(hashes: NDArray[np.uint64]) -> NDArray[Any]:
    """Sum the votes, +1 or -1, of features on each bit."""
    mixed = hashes[:, None] * _MIX[None, :]
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    bits = np.unpackbits(np.ascontiguousarray(mixed).view(np.uint8), axis=1)
    votes: NDArray[Any] = 2.0 * bits.sum(axis=0) - len(hashes)
    return votes


def _hashed(features: Iterable[bytes]) -> NDArray[np.uint64]:
    digests = b"".join(hashlib.blake2b(feature, digest_size=8).digest() for feature in dict.fromkeys(features))
    return np.frombuffer(digests, dtype="<u8")


def _lowest(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the lowest hashes, each once."""
    if len(hashes) > 16 * _SAMPLE:  # To sort all of them would take ten times as long.
        hashes = hashes[hashes < np.uint64(2**64 - 1) // np.uint64(len(hashes)) * np.uint64(16 * _SAMPLE)]
    return np.unique(hashes)[:_SAMPLE]


def _strings(data: bytes) -> Iterator[bytes]:
    start = data[:_STRING_BYTES]
    for text in start.translate(_PRINTABLE).split(b"\n"):
        if len(text) >= _LEAST_STRING:
            yield text[:_LONGEST_STRING]
    for match in _WIDE.finditer(start):
        yield match.group()


def _shingles(data: bytes) -> NDArray[np.uint64]:
    octets = np.frombuffer(data, dtype=np.uint8)
    if len(octets) < _SHINGLE:
        return np.empty(0, dtype=np.uint64)
    words = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(octets, _SHINGLE)).view("<u8")[:, 0]
    hashes: NDArray[np.uint64] = (words + _MIX[0]) * _MIX[1]
    hashes ^= hashes >> np.uint64(32)
    hashes *= _MIX[3]
    hashes ^= hashes >> np.uint64(29)
    return hashes


def _histogram(data: bytes) -> Iterator[bytes]:
    counts = np.bincount(np.frombuffer(data, dtype=np.uint8), minlength=256)
    levels = np.floor(2 * np.log2(1 + counts * (65536 / max(1, len(data))))).astype(int)
    for octet, level in enumerate(levels):
        yield b"h%d:%d" % (octet, level)


def _structure(data: bytes, size: int, kind: Kind) -> Iterator[bytes]:
    yield b"kind " + kind.value.encode()
    yield b"size %d" % size.bit_length()
    yield b"half size %d" % (2 * size // 3).bit_length()
    if kind is Kind.PE:
        yield from _pe(data)
    elif kind is Kind.ELF:
        yield b"elf " + data[4:8] + data[16:20]
        yield b"elf sections " + data[60:62]
    elif kind in _ZIPS:
        for number, entry in enumerate(zips.entries(data)):
            if number >= _ENTRIES:
                return
            yield b"name " + entry.name.encode("utf-8", "replace")
            yield b"crc %d %d" % (entry.crc, entry.size)


def _pe(data: bytes) -> Iterator[bytes]:
    """The headers of a program of Windows ([MS PE format], COFF header and section table)."""
    at = int.from_bytes(data[60:64], "little")
    header = data[at : at + 24]
    if len(header) < 24:
        return
    yield b"machine " + header[4:6] + header[22:24]
    optional = int.from_bytes(header[20:22], "little")
    yield b"linker " + data[at + 24 : at + 28]
    yield b"subsystem " + data[at + 92 : at + 96]
    sections = min(int.from_bytes(header[6:8], "little"), _SECTIONS)
    yield b"sections %d" % sections
    for number in range(sections):
        row = data[at + 24 + optional + 40 * number :][:40]
        if len(row) < 40:
            return
        raw = int.from_bytes(row[16:20], "little")
        yield b"section " + row[:8] + row[36:40]
        yield b"section size " + row[:8] + b"%d" % raw.bit_length()
