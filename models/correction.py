"""The second layer: what counting alone gets wrong, put right by weights learned from errors and near errors.

Each view has a logistic regression of its own over presence features, trained message by message: a message
that its view gets wrong, or right by little, moves all its features by the same step ("train on or near error",
Goodman and Yih, CEAS 2006; Sculley and Cormack, TREC 2007). The committee of views adds their bounded votes.

Weights are 16-bit fixed-point numbers, so that sums are exact and a rebuild gives the same bits on every machine.
Nothing here can be taken out again: after an undo the layer is stale, and `rebuild` replays what is left.
"""

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.models import native
from tamis.models.features import FEATURES, Indices, split_views
from tamis.models.sparse import SparseWeights

Weights = NDArray[np.int16]

UNIT: Final = 1 / 2048
"""What 1 stands for in a stored weight, in log-odds."""
BOUND: Final = 32_000
"""Largest stored weight, about 15.6."""
_RATE: Final = 0.02
_MARGIN: Final = 2.0
"""A message right by at least this log-odds teaches nothing."""
SHARES: Final = (0.15, 0.05, 0.075)
"""How much evidence (mean log-odds per token) a log-odds of 1 in the vote of each view is worth."""
VOTE_BOUND: Final = 6.0
"""Log-odds that the vote of a view approaches and never reaches."""


class Correction:
    """Weights of the second layer. Voting is safe from any number of threads; learn from one at a time."""

    def __init__(self, weights: Weights | None = None, moved: SparseWeights | None = None) -> None:
        """`moved` are weights in the place of some of these, to vote with: such a correction does not learn."""
        self.weights: Weights = np.zeros(FEATURES, dtype=np.int16) if weights is None else weights
        self._moved = moved

    def of(self, part: Indices) -> Weights:
        """Return the stored weights of some features."""
        own: Weights = self.weights[part]
        return own if self._moved is None else self._moved.over(part, own)

    def log_odds(self, part: Indices) -> float:
        """Return what one view's weights say of its features: log-odds of spam, 0 where nothing was learned."""
        if self._moved is None:
            return native.votes(self.weights, part) * UNIT
        return int(self.of(part).sum(dtype=np.int64)) * UNIT

    def learn(self, indices: Indices, spam: bool, passes: int = 0, weight: float = 1.0) -> None:
        """Learn one message, each view by its own error; a step is smaller by `passes` made before, and by weight."""
        sign = 1 if spam else -1
        for part in split_views(indices):
            right_by = sign * self.log_odds(part)
            if right_by >= _MARGIN or not len(part):
                continue
            size = weight * _RATE / math.sqrt(1 + passes) / (1 + math.exp(max(right_by, -50.0)))
            step = sign * round(size / UNIT)
            moved = self.weights[part].astype(np.int32) + step
            self.weights[part] = np.clip(moved, -BOUND, BOUND).astype(np.int16)

    def replay(self, stream: Iterable[tuple[Indices, bool]], passes: int = 0) -> None:
        """Learn labelled messages in their order."""
        for indices, spam in stream:
            self.learn(indices, spam, passes)

    def over(self, moved: SparseWeights) -> "Correction":
        """Return a correction to vote with that shares this one's weights but for those that others stand in for."""
        return Correction(self.weights, moved)

    def moved_from(self, start: "Correction") -> SparseWeights:
        """Return the weights that are others than those of `start`."""
        indices = np.flatnonzero(self.weights != start.weights).astype(np.uint32)
        return SparseWeights(indices, self.weights[indices])

    def copy(self) -> "Correction":
        """Return an independent copy."""
        return Correction(self.weights.copy())

    @property
    def empty(self) -> bool:
        """Whether nothing was learned."""
        return not self.weights.any()


def vote(log_odds: float, view: int) -> float:
    """Return the evidence for a view's log-odds: proportional when small, bounded always."""
    return SHARES[view] * VOTE_BOUND * math.tanh(log_odds / VOTE_BOUND)
