"""What workers know of files: since when those that run are known, and the vertices of the hypercube (row 25).

A question to the hypercube compares a sketch with all vertices of its kind, by two words of 64 bits first, which leaves
nearly none. That is a fraction of a millisecond for 100,000; indexes by pieces of the sketch were no faster in numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tamis.attachments.kinds import Kind

WORDS: Final = 4
RADIUS: Final = 40
"""Bits, of 256, in which a file of a family may differ; benchmarks/hypercube.py shows what others do."""
TIGHT_RADIUS: Final = 12
"""The same for files of which honest ones are nearly identical by their nature: one program made them all."""
ALIKE: Final = frozenset({Kind.PDF, Kind.HTML, Kind.RTF, Kind.ONENOTE})
_LEAST_BAD: Final = 2
_LEAST_BAD_ALIKE: Final = 5
_BAD_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Near:
    """What is known near a sketch: the nearest bad vertex, and the counts of all within the radius."""

    family: str
    distance: int
    bad: int
    good: int
    vertices: int

    def is_bad(self, kind: Kind) -> bool:
        """Whether the counts are clear; what is alike by its nature must not have been good even once."""
        if kind in ALIKE:
            return self.bad >= _LEAST_BAD_ALIKE and not self.good
        return self.bad >= _LEAST_BAD and self.bad >= _BAD_SHARE * (self.bad + self.good)


class KnownFiles:
    """Files and vertices; immutable. Each column may lie in a mapped file."""

    def __init__(
        self,
        digests: bytes | memoryview = b"",
        since: NDArray[np.int64] | None = None,
        words: Sequence[NDArray[np.uint64]] = (),
        kinds: NDArray[np.uint8] | None = None,
        families: NDArray[np.uint32] | None = None,
        counts: NDArray[np.uint32] | None = None,
        family_names: Sequence[str] = (),
    ) -> None:
        """`digests` are SHA-256 in ascending order, `since` the seconds since 1970 UTC at which each was first seen.

        `words` are the four columns of the sketches; `counts` has a row of bad ones and a row of good ones.
        """
        empty: NDArray[Any] = np.empty(0, dtype=np.uint64)
        self._digests = memoryview(digests)
        self._since = empty.astype(np.int64) if since is None else since
        self._words = list(words) or [empty] * WORDS
        self._kinds = empty.astype(np.uint8) if kinds is None else kinds
        self._families = empty.astype(np.uint32) if families is None else families
        self._counts = np.empty((2, 0), dtype=np.uint32) if counts is None else counts
        self._names = list(family_names)

    @property
    def vertices(self) -> int:
        return len(self._kinds)

    @property
    def files(self) -> int:
        return len(self._since)

    def seen_before(self, digest: bytes, moment: datetime) -> bool:
        """Whether a file that runs was first let through before a moment."""
        low, high = 0, len(self._since)
        while low < high:
            middle = (low + high) // 2
            found = self._digests[32 * middle : 32 * middle + 32].tobytes()
            if found == digest:
                return int(self._since[middle]) < moment.astimezone(UTC).timestamp()
            low, high = (middle + 1, high) if found < digest else (low, middle)
        return False

    def near(self, sketch: bytes, kind: Kind) -> Near | None:
        """Return what is known near a vertex, None where nothing bad is."""
        if not self.vertices:
            return None
        radius = TIGHT_RADIUS if kind in ALIKE else RADIUS
        asked = np.frombuffer(sketch, dtype="<u8")
        # Of two words that are not related, half of the 128 bits differ: 64, and hardly ever 40.
        first = _bits(self._words[0] ^ asked[0]) + _bits(self._words[1] ^ asked[1])
        (close,) = np.nonzero((first <= radius) & (self._kinds == CODES[kind]))
        distances = first[close].astype(np.int64)
        for word in range(2, WORDS):
            distances += _bits(self._words[word][close] ^ asked[word])
        within = close[distances <= radius]
        distances = distances[distances <= radius]
        bad = self._counts[0][within]
        if not bad.any():
            return None
        nearest = int(np.argmin(np.where(bad > 0, distances, 2 * 64 * WORDS)))
        family = self._names[int(self._families[within[nearest]])]
        return Near(family, int(distances[nearest]), int(bad.sum()), int(self._counts[1][within].sum()), len(within))


CODES: Final = {kind: code for code, kind in enumerate(sorted(Kind))}
"""How a kind stands in a column. They change with the kinds, so a snapshot names its kinds."""

if hasattr(np, "bitwise_count"):

    def _bits(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return the number of bits set in each value."""
        counted: NDArray[np.uint8] = np.bitwise_count(values)
        return counted

else:  # numpy before 2.0
    _TABLE: Final = np.array([bin(value).count("1") for value in range(1 << 16)], dtype=np.uint8)

    def _bits(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return the number of bits set in each value."""
        pieces = np.ascontiguousarray(values).view(np.uint16).reshape(len(values), 4)
        counted: NDArray[np.uint8] = _TABLE[pieces].sum(axis=1, dtype=np.uint8)
        return counted
