"""Mail that is scored by what other mail teaches: which messages are held out, and the scale that their ham sets.

A training of one site's mail holds all of it out, one part after the other: 0.1 % of ham is told by a thousand
messages, not by a hundred. The parts are runs of neighbours, since the mail to come is no nearer to what was learned
than one week, folder or mailing is to the others (docs/classifier.md has what was measured).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.models.bayes import Model
from tamis.models.points import FRESH_MIDDLE, LEAST_MIDDLE, MOST_MIDDLE, to_points
from tamis.models.stream import Stream

Numbers = NDArray[np.int64]
"""Numbers of messages in a stream."""
Fitted = Callable[[Numbers], Model]
"""Makes a model of the messages of these numbers."""

RUNS: Final = 5
_ONE_IN: Final = 10
_MOST: Final = 20_000
_ENOUGH_HAM: Final = 1000
"""Held-out ham that may lower the scale: the fewest of which 0.1 % is a message."""
_HAM_ALLOWED: Final = 0.001
"""Share of held-out ham that may reach 7.5."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Held-out messages, and what models that have not learned them say."""

    numbers: Numbers
    spam: NDArray[np.bool_]
    evidence: NDArray[np.float64]
    """Of both layers."""
    counts: NDArray[np.float64]
    """Of the first layer alone."""

    def middle(self, least: float = LEAST_MIDDLE, before: float = FRESH_MIDDLE) -> float:
        """Return the evidence worth 7.5 points: what at most 0.1 % of the ham reaches, if not less than `least`.

        `before` is the scale so far: it may become lower on the word of enough ham only.
        """
        ham = np.sort(self.evidence[~self.spam])[::-1]
        floor = least if len(ham) >= _ENOUGH_HAM else max(least, before)
        if not len(ham):
            return floor
        reached = math.nextafter(float(ham[int(_HAM_ALLOWED * len(ham))]), math.inf)
        return max(floor, min(reached, MOST_MIDDLE))

    def points(self, middle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the score points of both layers, and of the first one alone."""
        both, counts = ([to_points(float(one), middle) for one in layer] for layer in (self.evidence, self.counts))
        return np.array(both), np.array(counts)


def hold_out(stream: Stream, numbers: Numbers, fitted: Fitted, *, in_runs: bool = True) -> Judged:
    """Score messages of a stream by models of the others; all of them `in_runs`, else one in ten. Raises OSError."""
    spam = np.array([stream.is_spam(int(number)) for number in numbers], dtype=np.bool_)
    asked, evidence, counts = [], [], []
    for held in runs(spam) if in_runs else [tenth(spam)]:
        model = fitted(numbers[~held])
        for place in np.flatnonzero(held):
            indices, _ = stream[int(numbers[place])]
            asked.append(place)
            evidence.append(model.evidence(indices))
            counts.append(model.mean_log_odds(indices))
        del model  # Before the next one takes as much memory.
    places = np.array(asked, dtype=np.int64)
    return Judged(numbers[places], spam[places], np.array(evidence), np.array(counts))


def runs(spam: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Yield which messages are held out together, given their labels in order: a fifth of each class, side by side."""
    part = np.zeros(len(spam), dtype=np.int64)
    for label in (False, True):
        of_class = np.flatnonzero(spam == label)
        part[of_class] = np.arange(len(of_class)) * RUNS // max(1, len(of_class))
    for run in range(RUNS):
        if (part == run).any():
            yield part == run


def tenth(spam: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which messages are held out, given their labels in order: every tenth of its class, up to 20,000."""
    held = np.zeros(len(spam), dtype=np.bool_)
    for label in (False, True):
        held[np.flatnonzero(spam == label)[_ONE_IN - 1 :: _ONE_IN]] = True
    held[np.flatnonzero(held)[_MOST:]] = False
    return held
