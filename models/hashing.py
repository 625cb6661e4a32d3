"""Hashing of words, word pairs and byte n-grams into feature indices, vectorised with numpy.

What describes the features (`features.families`); scoring takes the same numbers from `native`.
The hashes depend on nothing but the text and the seed, on every machine and in every version:
changing one of them makes every stored model worthless (`features.FEATURES_VERSION`).
"""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Codes = NDArray[np.uint32]
Spans = NDArray[np.int64]

_ODD_1: Final = np.uint64(0x9E3779B97F4A7C15)
_ODD_2: Final = np.uint64(0xBF58476D1CE4E5B9)
_BASE: Final = 0x5851F42D4C957F2D
_PAIR_LEFT: Final = np.uint64(0x2545F4914F6CDD1D)
_PAIR_RIGHT: Final = np.uint64(0x100000001B3)

MAX_CHARS: Final = 1 << 14
"""Longest text, in characters, that `word_spans` and `span_hashes` take at once."""

IDEOGRAPHS: Final = 0x2E80
"""First code point of the scripts written without spaces (CJK radicals); their tokens are bigrams."""

_EXTRA_WORD_CHARACTERS: Final = "'$_-"
_ZERO: Final = ord("0")


def _powers(base: int) -> Hashes:
    steps = np.full(MAX_CHARS + 1, base, dtype=np.uint64)
    steps[0] = 1
    return np.multiply.accumulate(steps)


_POWERS: Final = _powers(_BASE)
_INVERSE_POWERS: Final = _powers(pow(_BASE, -1, 1 << 64))
IS_WORD: Final = np.array([chr(c).isalnum() or chr(c) in _EXTRA_WORD_CHARACTERS for c in range(IDEOGRAPHS)] + [False])
"""Whether a code point stands in words; the last one for all from `IDEOGRAPHS` on."""


def mix(hashes: Hashes, seed: int, bits: int) -> NDArray[np.uint32]:
    """Scramble 64-bit hashes with a seed and keep the best `bits` bits (multiply-xorshift, Steele et al. 2014)."""
    scrambled = (hashes ^ np.uint64(seed * int(_ODD_2) % (1 << 64))) * _ODD_1
    scrambled ^= scrambled >> np.uint64(29)
    scrambled *= _ODD_2
    return (scrambled >> np.uint64(64 - bits)).astype(np.uint32)


def text_hash(text: str) -> int:
    """Return a 64-bit hash of one short text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def fold(text: str) -> str:
    """Return the text as it is hashed: lower case, at most `MAX_CHARS` characters."""
    return text[:MAX_CHARS].lower()[:MAX_CHARS]


def codes(folded: str) -> Codes:
    """Return the code points of a folded text, all ASCII digits as 0, so that numbers of one shape agree."""
    points = np.frombuffer(folded.encode("utf-32-le", "replace"), dtype=np.uint32).copy()
    points[(points >= _ZERO) & (points <= _ZERO + 9)] = _ZERO
    return points


def word_spans(points: Codes) -> tuple[Spans, Spans]:
    """Return where the words begin and end (exclusive)."""
    inside = np.zeros(len(points) + 2, dtype=np.int8)
    inside[1:-1] = IS_WORD[np.minimum(points, IDEOGRAPHS)]
    edges = np.flatnonzero(np.diff(inside))
    return edges[::2], edges[1::2]


def span_hashes(points: Codes, starts: Spans, ends: Spans) -> Hashes:
    """Hash each span as a polynomial in its code points, modulo 2**64, whatever its place in the text.

    One prefix sum serves all spans; the base is odd, so its powers have inverses that move a span to 0.
    """
    prefix = np.zeros(len(points) + 1, dtype=np.uint64)
    np.cumsum((points.astype(np.uint64) + np.uint64(1)) * _POWERS[: len(points)], out=prefix[1:])
    hashes: Hashes = (prefix[ends] - prefix[starts]) * _INVERSE_POWERS[starts]
    return hashes


def pair_hashes(words: Hashes) -> Hashes:
    """Hash each word with the one that follows it."""
    pairs: Hashes = words[:-1] * _PAIR_LEFT + words[1:] * _PAIR_RIGHT
    return pairs


def bigram_starts(points: Codes) -> Spans:
    """Return where two characters of scripts without spaces stand side by side."""
    wide = points >= IDEOGRAPHS
    return np.flatnonzero(wide[:-1] & wide[1:])


def bigram_hashes(points: Codes, starts: Spans) -> Hashes:
    """Hash the two characters at each start."""
    pairs: Hashes = (points[starts].astype(np.uint64) << np.uint64(32)) | points[starts + 1]
    return pairs


def byte_gram_hashes(data: bytes, width: int = 4) -> Hashes:
    """Hash every run of `width` (at most 8) bytes."""
    octets = np.frombuffer(data, dtype=np.uint8).astype(np.uint64)
    count = len(octets) - width + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    hashes = octets[:count].copy()
    for offset in range(1, width):
        hashes = (hashes << np.uint64(8)) | octets[offset : offset + count]
    return hashes
