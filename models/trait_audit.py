"""Whether the named tests are what they say: enough of them, none too rare or too common, each really different."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.models.trait_hits import Matrix
from tamis.traits.family import Trait

ENOUGH: Final = 500
"""Tests there must be."""
FEWEST: Final = 20
"""Messages that each must hit."""
MOST: Final = 0.95
"""Share of messages that each must hit less of."""
ALIKE: Final = 0.95
"""Jaccard index that no two may exceed: of the messages that hit one or the other, the share that hit both."""
VARIANTS: Final = 10
"""Tests that may be variants of one measure."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an audit goes by: messages looked at, hits of each test, and the pairs that agree most."""

    messages: int
    hits: Mapping[str, int]
    alike: Sequence[tuple[str, str, float]]


def evidence_of(names: Sequence[str], matrix: Matrix) -> Evidence:
    """Count the hits of each test, and find the pairs that agree by more than half of `ALIKE`."""
    counts, shares = agreement(matrix)
    first, second = np.where(np.triu(shares, 1) > ALIKE / 2)
    pairs = [(names[a], names[b], float(shares[a, b])) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    pairs.sort(key=lambda pair: -pair[2])
    return Evidence(len(matrix), dict(zip(names, counts.astype(int).tolist(), strict=True)), pairs)


def agreement(matrix: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the hits of each column, and the Jaccard index of each two."""
    ones = matrix.astype(np.float32)
    together = (ones.T @ ones).astype(np.float64)
    counts = together.diagonal().copy()
    either = counts[:, None] + counts[None, :] - together
    return counts, np.divide(together, either, out=np.zeros_like(together), where=either > 0)


def complaints(tests: Mapping[str, Trait], evidence: Evidence) -> Iterator[str]:
    """Yield what is wrong, each on a line; nothing where all is well."""
    if len(tests) < ENOUGH:
        yield f"there are {len(tests)} tests, not {ENOUGH}"
    for name in tests:
        hits = evidence.hits.get(name, 0)
        if hits < FEWEST:
            yield f"{name} hits {hits} of {evidence.messages} messages, fewer than {FEWEST}"
        elif hits >= MOST * evidence.messages:
            yield f"{name} hits {hits} of {evidence.messages} messages, {100 * MOST:g} % or more"
    for first, second, share in evidence.alike:
        if share > ALIKE and first in tests and second in tests:
            yield f"{first} and {second} agree: Jaccard index {share:.3f}"
    for measure, number in Counter(test.measure for test in tests.values()).items():
        if number > VARIANTS:
            yield f"{number} tests are variants of {measure}, more than {VARIANTS}"
