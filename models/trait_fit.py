"""Fitting the weights of the named tests: all at once, beside the token evidence, by a shrunk logistic regression.

Tests hit together, and words that make a test hit are token evidence as well. So weights that say how much oftener
each test hits spam would count the same thing many times; fitted together, each is worth what it adds to the others.
Only `tamis.models.build_traits` imports this, and only it imports scikit-learn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.models.trait_hits import Matrix

Floats = NDArray[np.float64]

SHRINKAGE: Final = 0.02
"""scikit-learn's C: the smaller, the closer to 0 all weights stay."""
BOUNDS: Final = (-0.25, 0.5)
"""Points that one test may add or take away."""
_TOKEN_SCALE: Final = 10.0
"""Points of token evidence from which on more say little more."""
_LEAST_WORTH: Final = 0.02
"""The least that a point of token evidence is taken to be worth."""
_EVEN: Final = 1500
"""Messages of one class of one source that count in full; of more, all together count as so many."""
_HAM_SHARE: Final = 1.5
"""How much more of what speaks for ham is taken than of what speaks for spam: honest mail is to be spared first."""
_NEWSLETTERS: Final = 2
"""Newsletters of honest senders: what hits so many of them weighs `_SUSPECT` at most."""
_SUSPECT: Final = 0.1


@dataclass(slots=True)
class Sample:
    """Messages of one source: the tests they hit, their label, and the points of token evidence by a model that has
    not learned the source. `one_way`: ham and spam came through the same servers, so that the header teaches."""

    name: str
    matrix: Matrix
    spam: NDArray[np.bool_]
    points: Floats
    one_way: bool


def fit(samples: Sequence[Sample], of_the_header: NDArray[np.bool_], shrinkage: float = SHRINKAGE) -> Floats:
    """Return the weight of each test in score points, not yet bounded.

    The logistic regression has a column for each test, one for the token evidence, and one that says whether the
    header teaches. What it learns for a test is turned into points by what a point of token evidence is worth to it.
    """
    from scipy.sparse import csr_matrix, hstack, vstack
    from sklearn.linear_model import LogisticRegression

    blocks, labels, weights = [], [], []
    for sample in samples:
        matrix = sample.matrix if sample.one_way else sample.matrix & ~of_the_header
        beside = np.column_stack(
            [_TOKEN_SCALE * np.tanh(sample.points / _TOKEN_SCALE), np.full(len(matrix), sample.one_way)]
        )
        blocks.append(hstack([csr_matrix(matrix, dtype=np.float64), csr_matrix(beside)], format="csr"))
        labels.append(sample.spam)
        weights.append(_even(sample.spam))
    classifier = LogisticRegression(C=shrinkage, max_iter=300)
    classifier.fit(vstack(blocks), np.concatenate(labels), sample_weight=np.concatenate(weights))
    learned: Floats = np.asarray(classifier.coef_, dtype=np.float64).ravel()
    worth = max(float(learned[-2]), _LEAST_WORTH)
    return np.asarray(learned[:-2] / worth, dtype=np.float64)


def _even(spam: NDArray[np.bool_]) -> Floats:
    counts = np.bincount(spam, minlength=2)
    return np.asarray(np.minimum(1.0, _EVEN / np.maximum(1, counts))[spam.astype(int)], dtype=np.float64)


def strongest(samples: Sequence[Sample], of_the_header: NDArray[np.bool_], most: int) -> Floats:
    """Return the weights of the tests that matter most, fitted anew without the others, which weigh 0.

    What a test matters is how much it moves the score from message to message.
    """
    first = fit(samples, of_the_header)
    rate = np.concatenate([sample.matrix for sample in samples]).mean(axis=0)
    moved = np.abs(first) * np.sqrt(rate * (1 - rate))
    chosen = np.zeros(len(first), dtype=np.bool_)
    chosen[np.argsort(-moved, kind="stable")[:most]] = True
    some = [Sample(s.name, s.matrix[:, chosen], s.spam, s.points, s.one_way) for s in samples]
    weights = np.zeros(len(first))
    weights[chosen] = fit(some, of_the_header[chosen])
    return weights


def bounded(weights: Floats, share: float, newsletter_hits: NDArray[np.int64]) -> Floats:
    """Return a share of the weights, within `BOUNDS`, with three decimals.

    What honest newsletters of today hit weighs little, whatever mail of 2002 to 2007 says.
    """
    low, high = BOUNDS
    most = np.where(newsletter_hits >= _NEWSLETTERS, _SUSPECT, high)
    taken = np.where(weights > 0, share, share * _HAM_SHARE) * weights
    return np.asarray(np.round(np.clip(taken, low, most), 3), dtype=np.float64)


def shares_at(level: float, scores: Floats, spam: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the shares of ham at or above a level, and of spam below it, in percent."""
    ham = scores[~spam]
    bad = scores[spam]
    return (
        100 * float(np.mean(ham >= level)) if len(ham) else 0.0,
        100 * float(np.mean(bad < level)) if len(bad) else 0.0,
    )


def missed_area(scores: Floats, spam: NDArray[np.bool_]) -> float:
    """Return 1-ROCA in percent, 0 where there is one class."""
    from sklearn.metrics import roc_auc_score

    return 100 * (1 - float(roc_auc_score(spam, scores))) if 0 < spam.sum() < len(spam) else 0.0


def report(samples: Sequence[Sample], weights: Mapping[str, Floats]) -> list[str]:
    """Return lines of a table: each source, scored by its token points alone and with the tests' weights."""
    lines = []
    for sample in samples:
        pieces = []
        for scores in (sample.points, sample.points + sample.matrix @ weights[sample.name]):
            ham, spam = shares_at(7.5, scores, sample.spam)
            pieces.append(f"{missed_area(scores, sample.spam):6.2f} {ham:6.3f} {spam:6.2f}")
        lines.append(f"{sample.name:18} {pieces[0]}  |  {pieces[1]}")
    return lines
