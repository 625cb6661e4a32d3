"""The token evidence beside the named tests while their weights are learned, of models that have not seen the message.

Weights are learned beside the counts alone; both layers are for what is printed.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.models.bayes import Model
from tamis.models.fitting import Fit
from tamis.models.points import CAUTION
from tamis.models.shipped import FEWEST_MESSAGES, FEWEST_SOURCES, SMOOTHING
from tamis.models.stream import Stream
from tamis.models.trait_fit import Floats
from tamis.models.trait_hits import Hits

Rows = NDArray[np.int64]

FOLDS: Final = 5
_FEWEST: Final = 3
_MIDDLE: Final = 0.4
"""Of the counts alone: in how many messages a feature stands, and the mean log-odds worth 7.5 points."""


def whole_sources(hits: Mapping[str, Hits]) -> list[dict[str, Rows]]:
    """Return which messages are held out together: those of a source."""
    return [{name: np.arange(len(found.spam))} for name, found in hits.items()]


def fifths(hits: Mapping[str, Hits]) -> list[dict[str, Rows]]:
    """Return the same for a fifth of every source."""
    return [{name: np.arange(fold, len(found.spam), FOLDS) for name, found in hits.items()} for fold in range(FOLDS)]


def of_counts(hits: Mapping[str, Hits], held: Iterable[Mapping[str, Rows]]) -> dict[str, Floats]:
    """Return the points of each message by the counts of all but those of its source that are held out with it."""
    everything = Model()
    for found in hits.values():
        _learn(everything, found, np.arange(len(found.spam)), 1)
    points = {name: np.zeros(len(found.spam)) for name, found in hits.items()}
    for together in held:
        for name, rows in together.items():
            others = everything.copy()
            _learn(others, hits[name], rows, -1)
            others.prune(_FEWEST)
            others.middle = _MIDDLE
            points[name][rows] = [others.score(hits[name].tokens[row]) for row in rows]
    return points


def of_both_layers(hits: Mapping[str, Hits], held: Iterable[Mapping[str, Rows]]) -> dict[str, Floats]:
    """Return the points of each message by both layers, made as the shipped model is, of all that is not held out.

    Raises OSError.
    """
    points = {name: np.zeros(len(found.spam)) for name, found in hits.items()}
    begins: dict[str, int] = {}
    origins: list[str] = []
    with Stream() as stream:
        for name, found in hits.items():
            begins[name] = len(stream)
            for tokens, spam in zip(found.tokens, found.spam.tolist(), strict=True):
                stream.add(tokens, spam)
                origins.append(name.partition("/")[0])
        for together in held:
            out = np.concatenate([begins[name] + rows for name, rows in together.items()])
            fit = Fit(stream, SMOOTHING, None, FEWEST_MESSAGES, FEWEST_SOURCES)
            for number in np.setdiff1d(np.arange(len(stream)), out).tolist():
                fit.add(number, origins[number])
            model = fit.model()
            model.middle = CAUTION
            for name, rows in together.items():
                points[name][rows] = [model.score(hits[name].tokens[row]) for row in rows]
    return points


def _learn(model: Model, hits: Hits, rows: Rows, times: int) -> None:
    for row in rows:
        model.add(hits.tokens[row], bool(hits.spam[row]), times)
