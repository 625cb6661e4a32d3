"""The model in two layers: naive-Bayes counts with exact log-odds, and a correction on top. numpy only.

The first layer keeps counts: in how many ham and spam messages each feature stood. For the multinomial
model on binary features with the classes balanced to the same mass and additive smoothing, the
log-odds of a message are the sum over its features of

    log(spam count * spam balance + alpha) - log(ham count * ham balance + alpha)

which is what scikit-learn's MultinomialNB gives for sample weights of that balance and no prior (a test
holds it to that). A feature never seen weighs exactly 0. Balance and trust are kept per view
(`features.VIEWS`), since some corpora teach only some of them. Counts add up, merge, and are taken out again exactly.

The second layer (`correction`) learns from errors and is rebuilt, not undone.
"""

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.message import Message
from tamis.models import native, storage
from tamis.models.correction import UNIT, Correction, vote
from tamis.models.features import (
    BODY,
    FEATURES,
    FEATURES_VERSION,
    HEADER,
    VIEWS,
    Family,
    Indices,
    families,
    features,
    split_views,
    view_slice,
)
from tamis.models.points import FRESH_MIDDLE, NEUTRAL_TOKENS, points_per_unit, to_points
from tamis.models.sparse import SparseCounts, SparseWeights

ALPHA: Final = 0.1
"""Additive smoothing, in messages; measured in docs/classifier.md."""

_HALF_TRUST: Final = 10.0
"""Messages of the rarer class after which a view is half believed: what was learned from
spam alone says nothing about what makes spam different."""

_COUNTED_VIEWS: Final = (BODY, HEADER)
"""Views whose counts are evidence; the octets are evidence through the second layer only (docs/classifier.md)."""

_FACTS: Final = "make"
"""The kind of clues that say how a message is made."""

HAM, SPAM = 0, 1


@dataclass(frozen=True, slots=True)
class Clue:
    """One piece of evidence, in words of the message at hand."""

    text: str
    """Where it stood (word, subject, url, make, octets, header, header octets) and what stood there."""
    weight: float
    """Its share of the token evidence, in score points before the scale bends; positive for spam."""
    ham: int
    """Ham messages it was seen in."""
    spam: int
    """Spam messages it was seen in."""


class Model:
    """A model in two layers. Scoring is safe from any number of threads; learn from one at a time."""

    def __init__(self, alpha: float = ALPHA, middle: float = FRESH_MIDDLE) -> None:
        self.alpha = alpha
        self.middle = middle
        """The evidence worth 7.5 points."""
        self.weights: dict[str, float] = {}
        """Learned weights of named tests, in score points."""
        self.version = "unsaved"
        """Digest of the model file it came from or was last saved to."""
        self.started = False
        """Whether it holds the counts of another model that it went on from."""
        self.messages: NDArray[np.int64] = np.zeros((len(VIEWS), 2), dtype=np.int64)
        """Messages learned, by view and class."""
        self._counts: NDArray[np.float32] = np.zeros((2, FEATURES), dtype=np.float32)
        self._mass: NDArray[np.float64] = np.zeros((len(VIEWS), 2), dtype=np.float64)
        self._learned: tuple[SparseCounts, ...] = ()
        self._domains: Mapping[str, SparseCounts] = {}
        self._learned_messages: NDArray[np.float64] = np.zeros((len(VIEWS), 2), dtype=np.float64)
        self.correction = Correction()
        self.stale = False
        """Whether the second layer was made of other messages than the counts: some taken out, or not yet learned."""

    @staticmethod
    def digest_of(path: str | Path) -> str:
        """Return the `version` that a model file has once it is loaded. Raises as `load` does."""
        return storage.digest_of(Path(path), FEATURES_VERSION, FEATURES, len(VIEWS))

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """Read a model file. Raises `storage.ModelError` (a ValueError) or OSError."""
        header, counts, weights = storage.read(Path(path), FEATURES_VERSION, FEATURES, len(VIEWS))
        model = cls(header.alpha, header.middle)
        model.weights = dict(header.weights)
        model.version = header.digest
        model.started = header.started
        model._counts = counts
        model.messages = np.array(header.messages, dtype=np.int64)
        model._mass = np.array(header.mass, dtype=np.float64)
        model.correction = Correction(weights)
        model.stale = header.stale
        return model

    def save(self, path: str | Path, *, mapped: bool = False) -> None:
        """Write the model atomically and durably: a reader sees the old one or this one. Raises OSError.

        `mapped` writes 63 MB that all readers share in memory, for the model of a site; else it is compressed.
        """
        header = {
            "features_version": FEATURES_VERSION,
            "alpha": self.alpha,
            "middle": self.middle,
            "messages": self.messages.tolist(),
            "weights": self.weights,
            "mass": self._mass.astype(np.int64).tolist(),
            "stale": self.stale,
        }
        if self.started:
            header["started"] = True
        self.version = storage.write(Path(path), header, self._counts, self.correction.weights, mapped=mapped)

    @property
    def known(self) -> int:
        """How many features have been seen."""
        return int(np.count_nonzero(self._counts.any(axis=0)))

    @property
    def counts(self) -> NDArray[np.float32]:
        """In how many ham (row 0) and spam (row 1) messages each feature was seen; do not write."""
        return self._counts

    def set_counts(self, counts: NDArray[np.float32], messages: Sequence[Sequence[int]]) -> None:
        """Take over counts made elsewhere, and how many messages they came from, by view and class."""
        self._counts = counts
        self.messages = np.array(messages, dtype=np.int64).reshape(len(VIEWS), 2)
        for view in VIEWS:
            self._mass[view] = counts[:, view_slice(view)].sum(axis=1, dtype=np.float64)

    def learn(self, indices: Indices, spam: bool) -> None:
        """Learn one message in both layers, at once."""
        self.add(indices, spam)
        self.correction.learn(indices, spam)

    def unlearn(self, indices: Indices, spam: bool) -> None:
        """Take one message out of the counts, exactly and at once; the second layer is stale until `rebuild`."""
        self.add(indices, spam, times=-1)
        self.stale = True

    def add(self, indices: Indices, spam: bool, times: int = 1) -> None:
        """Add one message's features to the counts of its class; `times=-1` takes them out again."""
        row = int(spam)
        self._counts[row, indices] += times
        for view, part in enumerate(split_views(indices)):
            if len(part):
                self.messages[view, row] += times
                self._mass[view, row] += times * len(part)

    def rebuild(self, stream: Iterable[tuple[Indices, bool]], start: "Model | None" = None) -> None:
        """Make the second layer anew: that of `start` (none: empty), and the labelled messages in their order.

        The result is, bit for bit, that of a model which went on from `start` and met just these messages.
        """
        self.correction = start.correction.copy() if start is not None else Correction()
        self.correction.replay(stream)
        self.stale = False

    def log_odds(self, indices: Indices) -> float:
        """Return the naive-Bayes log-odds (natural logarithm) that a message with these features is spam."""
        return sum(self._log_odds(part, view) for view, part in enumerate(split_views(indices)))

    def score(self, indices: Indices) -> float:
        """Return the token evidence in score points: about 0 for what is neutral, see `points`."""
        return to_points(self.evidence(indices), self.middle)

    def score_of_counts(self, indices: Indices) -> float:
        """Return the score points of the first layer alone."""
        return to_points(self.mean_log_odds(indices), self.middle)

    def evidence(self, indices: Indices) -> float:
        """Return what both layers say, on the scale of a mean log-odds per token."""
        parts = split_views(indices)
        votes = (self._trust(view) * vote(self.correction.log_odds(part), view) for view, part in enumerate(parts))
        return self._mean_log_odds(parts) + sum(votes)

    def mean_log_odds(self, indices: Indices) -> float:
        """Return what the first layer says: the mean log-odds per token.

        It is drawn towards 0 for few tokens and for a view little seen.
        """
        return self._mean_log_odds(split_views(indices))

    def _mean_log_odds(self, parts: Sequence[Indices]) -> float:
        total, tokens = 0.0, NEUTRAL_TOKENS
        for view in _COUNTED_VIEWS:
            trust = self._trust(view)
            if trust:
                total += trust * self._log_odds(parts[view], view)
                tokens += trust * len(parts[view])
        return total / tokens

    def shares(self, indices: Indices) -> NDArray[np.float64]:
        """Return what each feature adds to `evidence`; they add up to it."""
        parts = split_views(indices)
        trusts = [self._trust(view) for view in VIEWS]
        tokens = NEUTRAL_TOKENS + sum(trusts[view] * len(parts[view]) for view in _COUNTED_VIEWS)
        found = []
        for view, part in enumerate(parts):
            log_odds = self.correction.log_odds(part)
            slope = vote(log_odds, view) / log_odds if log_odds else 0.0
            share = self.correction.of(part) * (slope * UNIT)
            if view in _COUNTED_VIEWS:
                share = share + self._weights(part, view) / tokens
            found.append(trusts[view] * share)
        return np.concatenate(found)

    def clues(self, message: Message, n: int = 15) -> list[Clue]:
        """Return up to `n` of the strongest clues, strongest first, whichever way they point."""
        indices = features(message)
        weights = self.shares(indices) * points_per_unit(self.middle)
        strongest = np.argsort(-np.abs(weights), kind="stable")[: 20 * n]
        wanted = {int(indices[i]): float(weights[i]) for i in strongest if weights[i]}
        return _readable(families(message), wanted, self._seen, n)

    def all_in_ham(self, indices: Indices) -> bool:
        """Whether each of some features was in ham that was learned; or shares an index with what was."""
        return bool(self._seen(indices)[HAM].all())

    def prune(self, fewest: int) -> None:
        """Forget features seen in fewer than `fewest` messages: most of the size, little of the evidence."""
        rare = self._counts.sum(axis=0) < fewest
        self._counts[:, rare] = 0
        self.correction.weights[rare] = 0
        self.set_counts(self._counts, self.messages.tolist())

    def taught(self, learned: SparseCounts, version: str, domains: Mapping[str, SparseCounts] | None = None) -> "Model":
        """Return a model that also counts what was learned elsewhere; to score with, it shares this one's memory.

        `domains` is what single recipient domains have learned besides, see `for_domain`.
        """
        twin = copy.copy(self)
        twin.version = version
        twin._domains = domains or {}
        twin._learned = (*self._learned, learned)
        twin._mass = self._mass + learned.mass
        twin._learned_messages = self._learned_messages + learned.messages
        return twin

    def corrected(self, moved: SparseWeights, version: str, *, stale: bool) -> "Model":
        """Return a model whose second layer votes with other weights; to score with, it shares this one's memory."""
        twin = copy.copy(self)
        twin.version, twin.stale = version, stale
        twin.correction = self.correction.over(moved)
        return twin

    def adapted(self, domains: Iterable[str]) -> list[str]:
        """Return those of some recipient domains that have learned something of their own, sorted."""
        return sorted({*domains} & self._domains.keys()) if self._domains else []

    def for_domain(self, domain: str) -> "Model":
        """Return the model as a domain has adapted it; this one where it has not."""
        learned = self._domains.get(domain)
        return self if learned is None else self.taught(learned, f"{self.version} {domain}")

    def copy(self) -> "Model":
        """Return an independent copy."""
        twin = Model(self.alpha, self.middle)
        twin.weights = dict(self.weights)
        twin.started = self.started
        twin.set_counts(self._counts.copy(), self.messages.tolist())
        twin.correction = self.correction.copy()
        twin.stale = self.stale
        return twin

    def _seen(self, indices: Indices) -> NDArray[np.float32]:
        """Return in how many ham (row 0) and spam (row 1) messages each of some features was seen."""
        found: NDArray[np.float32] = self._counts[:, indices]
        for learned in self._learned:
            found = found + learned.at(indices)
        return found

    def _balances(self, view: int) -> tuple[float, float] | None:
        """Return by what counts of ham and of spam are multiplied; None until the view has seen both classes."""
        ham_mass, spam_mass = self._mass[view].tolist()
        if ham_mass <= 0 or spam_mass <= 0:
            return None
        mean = (ham_mass + spam_mass) / 2
        return mean / ham_mass, mean / spam_mass

    def _log_odds(self, indices: Indices, view: int) -> float:
        """Return the sum of `_weights`."""
        balances = self._balances(view)
        if balances is None:
            return 0.0
        if not self._learned:
            return native.log_odds(self._counts[HAM], self._counts[SPAM], indices, *balances, self.alpha)
        seen = self._seen(indices)
        return native.log_odds(seen[HAM], seen[SPAM], np.arange(len(indices), dtype=np.uint32), *balances, self.alpha)

    def _weights(self, indices: Indices, view: int) -> NDArray[np.float64]:
        """Return the log-odds of each feature of one view; all 0 until the view has seen both classes."""
        balances = self._balances(view)
        if balances is None:
            return np.zeros(len(indices))
        seen = self._seen(indices).astype(np.float64)
        weights: NDArray[np.float64] = np.log(
            (seen[SPAM] * balances[SPAM] + self.alpha) / (seen[HAM] * balances[HAM] + self.alpha)
        )
        return weights

    def _trust(self, view: int) -> float:
        own, learned = self.messages[view].tolist(), self._learned_messages[view].tolist()
        rarer: float = min(own[HAM] + learned[HAM], own[SPAM] + learned[SPAM])
        return max(0.0, rarer / (rarer + _HALF_TRUST))


def _readable(
    found: Iterable[Family], wanted: Mapping[int, float], seen: Callable[[Indices], NDArray[np.float32]], n: int
) -> list[Clue]:
    """Find the wanted features in the message; of those that overlap the strongest speaks for all.

    A third at most are facts of how it is made: words tell a reader more.
    """
    numbers = np.array(sorted(wanted), dtype=np.uint32)
    # What tells them apart comes first in each, so that they are sorted without a function.
    places: list[tuple[float, bool, int, float, Family, int]] = []
    for family in found:
        octets = family.kind.endswith("octets")
        for at in np.flatnonzero(_among(family.indices, numbers)).tolist():
            weight = wanted[int(family.indices[at])]
            places.append((-abs(weight), octets, len(places), weight, family, at))
    places.sort()
    clues: list[Clue] = []
    shown: set[int] = set()
    taken: dict[str, list[tuple[int, int]]] = {}
    facts = 0
    for _, _, _, weight, family, at in places:
        if len(clues) >= n:
            break
        index = int(family.indices[at])
        start, end = int(family.starts[at]), int(family.ends[at])
        spans = taken.setdefault(family.kind.partition(" ")[0], [])
        if index in shown or any(start < other_end and other_start < end for other_start, other_end in spans):
            continue
        if family.kind == _FACTS:
            if 3 * facts >= n:
                continue
            facts += 1
        shown.add(index)
        spans.append((start, end))
        ham, spam = (math.ceil(number) for number in seen(np.array([index], dtype=np.uint32))[:, 0])
        piece = " ".join(family.text(at).split())
        clues.append(Clue(f"{family.kind}: {piece}", weight, ham, spam))
    return clues


def _among(indices: Indices, numbers: Indices) -> NDArray[np.bool_]:
    """Return which indices are among some sorted numbers; a tenth of the time of `np.isin` for few numbers."""
    if not len(numbers):
        return np.zeros(len(indices), dtype=np.bool_)
    among: NDArray[np.bool_] = numbers[np.minimum(np.searchsorted(numbers, indices), len(numbers) - 1)] == indices
    return among
