"""Fitting a model to a part of a stream of labelled features: the counts by scikit-learn, the correction by passes.

The only module that imports scikit-learn, and only when a fit runs; a worker never does.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tamis.models.bayes import Model
from tamis.models.correction import Correction
from tamis.models.features import FEATURES, VIEWS, Indices, split_views, view_slice
from tamis.models.stream import Stream

PASSES: Final = 3
"""Passes of the second layer over the messages of a fit."""
_BATCH: Final = 2000


class Fit:
    """Both layers, fitted to messages of a stream on top of the model `start`.

    Features seen in fewer than `fewest` messages of the fit or in mail of fewer than `fewest_sources` sources are
    left out of both layers.
    """

    def __init__(
        self, stream: Stream, alpha: float, start: Model | None = None, fewest: int = 1, fewest_sources: int = 1
    ) -> None:
        from sklearn.naive_bayes import MultinomialNB

        self._stream, self._alpha, self._start = stream, alpha, start
        self._fewest, self._fewest_sources = fewest, fewest_sources
        self._views = [MultinomialNB(alpha=alpha, fit_prior=False) for _ in VIEWS]
        self._messages = np.zeros((len(VIEWS), 2), dtype=np.int64)
        self._seen_in: dict[str, NDArray[np.bool_]] = {}
        self._numbers: list[int] = []
        self._counted = 0

    def add(self, number: int, source: str) -> None:
        """Learn a message of the stream. Raises OSError."""
        self._numbers.append(number)
        if self._fewest_sources > 1:
            seen = self._seen_in.setdefault(source, np.zeros(FEATURES, dtype=np.bool_))
            seen[self._stream[number][0]] = True
        if len(self._numbers) - self._counted >= _BATCH:
            self._count()

    def model(self) -> Model:
        """Return what was learned so far. Raises OSError."""
        self._count()
        start = self._start
        counts = np.zeros((2, FEATURES), dtype=np.float32) if start is None else start.counts.copy()
        messages = self._messages if start is None else self._messages + start.messages
        for view, classifier in enumerate(self._views):
            if hasattr(classifier, "feature_count_"):
                counts[:, view_slice(view)] += classifier.feature_count_
        known = self._known(counts)
        if known is not None:
            counts[:, ~known] = 0
        model = Model(alpha=self._alpha)
        model.set_counts(counts, messages.tolist())
        model.correction = Correction() if start is None else start.correction.copy()
        for done in range(PASSES):
            model.correction.replay(self._shuffled(known), done)
        return model

    def _count(self) -> None:
        """Count what was added since the last time. A view learns only from messages that have features of it."""
        batch = [self._stream[number] for number in self._numbers[self._counted :]]
        self._counted = len(self._numbers)
        labels = np.array([spam for _, spam in batch], dtype=np.int8)
        for view, classifier in enumerate(self._views):
            rows = [split_views(indices)[view] for indices, _ in batch]
            present = np.array([len(row) > 0 for row in rows], dtype=np.bool_)
            if present.any():
                matrix = presence_matrix([row for row in rows if len(row)], view)
                classifier.partial_fit(matrix, labels[present], classes=[0, 1])
                self._messages[view] += np.bincount(labels[present], minlength=2)

    def _known(self, counts: NDArray[np.float32]) -> NDArray[np.bool_] | None:
        """Return which features may be known, given in how many messages they stood; None for all."""
        if self._fewest <= 1 and self._fewest_sources <= 1:
            return None
        known: NDArray[np.bool_] = counts.sum(axis=0) >= self._fewest
        if self._fewest_sources > 1:
            sources = np.zeros(FEATURES, dtype=np.uint8)
            for seen in self._seen_in.values():
                sources += seen
            known &= sources >= self._fewest_sources
        return known

    def _shuffled(self, known: NDArray[np.bool_] | None) -> Iterator[tuple[Indices, bool]]:
        for indices, spam in self._stream.shuffled(self._numbers):
            yield indices if known is None else indices[known[indices]], spam


def presence_matrix(rows: Sequence[Indices], view: int) -> Any:
    """Return a scipy CSR matrix over the features of one view, with a 1 at each index of each row."""
    from scipy.sparse import csr_matrix

    space = view_slice(view)
    ends = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.concatenate(rows).astype(np.int32) - space.start if rows else np.empty(0, dtype=np.int32)
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), space.stop - space.start))
