"""Counts and weights of few features, to be laid over those of a model: what a site, or one domain, has learned."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tamis.models.features import VIEWS, Indices, split_views
from tamis.once import once


@dataclass(frozen=True, eq=False)
class SparseCounts:
    """How much ham and spam was seen, as messages and fractions of one. The arrays may be mapped from a file."""

    indices: Indices
    """Sorted and distinct."""
    counts: NDArray[np.float32]
    """(2, len(indices)): ham first."""
    messages: NDArray[np.float64]
    """(views, 2): the weight of the messages that have features of a view."""

    @once
    def mass(self) -> NDArray[np.float64]:
        """(views, 2): the sum of all counts."""
        ends = np.cumsum([0, *(len(part) for part in split_views(self.indices))])
        parts = (self.counts[:, ends[view] : ends[view + 1]] for view in VIEWS)
        return np.array([part.sum(axis=1, dtype=np.float64) for part in parts])

    def at(self, wanted: Indices) -> NDArray[np.float32]:
        """Return the counts of some features, (2, len(wanted)); 0 for those that were not seen."""
        if not len(self.indices):
            return np.zeros((2, len(wanted)), dtype=np.float32)
        places = np.minimum(np.searchsorted(self.indices, wanted), len(self.indices) - 1)
        found: NDArray[np.float32] = np.where(self.indices[places] == wanted, self.counts[:, places], np.float32(0))
        return found


@dataclass(frozen=True, eq=False)
class SparseWeights:
    """Weights of the second layer that stand in the place of a model's own. The arrays may be mapped from a file."""

    indices: Indices
    """Sorted and distinct."""
    weights: NDArray[np.int16]

    def over(self, wanted: Indices, own: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the weights of some features, given those of the model itself."""
        if not len(self.indices):
            return own
        places = np.minimum(np.searchsorted(self.indices, wanted), len(self.indices) - 1)
        found: NDArray[np.int16] = np.where(self.indices[places] == wanted, self.weights[places], own)
        return found
