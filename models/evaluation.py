"""Measuring a model on labelled mail: the protocols, one score per message, and the file of scores.

* online: a model, empty unless another is given, meets the messages in order, scores each and then learns it (TREC's
  immediate feedback);
* delayed: the same, each message learned only after so many others have been scored;
* batch: a fresh model learns one index and scores another;
* score: a given model scores, and learns nothing.

`rotation` has the protocols that train several models: k-fold, and each group by what the others teach.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TextIO

import numpy as np

from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.corpus import CorpusError, Entry
from tamis.models.features import Indices, body_only, features
from tamis.models.measures import Measures, measure
from tamis.models.points import MIDDLE_LEVEL

Scorer = Callable[[Message], "Scores"]
Progress = Callable[[int, int], None]

DELAY: Final = 1000
"""Messages scored before one is learned, in the delayed protocol."""


class Protocol(StrEnum):
    """How a model meets the messages it is measured on."""

    ONLINE = "online"
    DELAYED = "delayed"
    BATCH = "batch"
    SCORE = "score"
    FOLDS = "folds"
    CROSS = "cross"


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one message, rounded to three decimals as they would be printed."""

    both: float
    """Of both layers: the score that is served."""
    counts: float
    """Of the first layer alone."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One message and its scores."""

    spam: bool
    score: float
    name: str
    counts: float = 0.0
    """The score of the first layer alone."""


def online(
    entries: Sequence[Entry],
    progress: Progress | None = None,
    delay: int = 0,
    without_headers: bool = False,
    start: Model | None = None,
) -> Iterator[Scored]:
    """Score each message with what the ones before it taught, then learn it, `delay` messages later.

    The model begins as `start`, which is not changed; else it is empty. Raises CorpusError.
    """
    model = Model() if start is None else start.copy()
    waiting: deque[tuple[Indices, bool]] = deque()
    for done, entry in enumerate(entries, 1):
        indices = features(Message(entry.read()))
        if without_headers:
            indices = body_only(indices)
        yield scored(model, indices, entry.spam, entry.name)
        waiting.append((indices, entry.spam))
        if len(waiting) > delay:
            model.learn(*waiting.popleft())
        if progress is not None:
            progress(done, len(entries))


def score(entries: Sequence[Entry], scorer: Scorer, progress: Progress | None = None) -> Iterator[Scored]:
    """Score each message and learn nothing. Raises CorpusError."""
    for done, entry in enumerate(entries, 1):
        scores = scorer(Message(entry.read()))
        yield Scored(entry.spam, scores.both, entry.name, scores.counts)
        if progress is not None:
            progress(done, len(entries))


def token_evidence(model: Model, without_headers: bool = False) -> Scorer:
    """Return the scorer that asks the model alone, without named tests."""

    def scorer(message: Message) -> Scores:
        indices = features(message)
        return _scores(model, body_only(indices) if without_headers else indices)

    return scorer


def scored(model: Model, indices: Indices, spam: bool, name: str) -> Scored:
    """Score one message by its features."""
    scores = _scores(model, indices)
    return Scored(spam, scores.both, name, scores.counts)


def _scores(model: Model, indices: Indices) -> Scores:
    return Scores(round(model.score(indices), 3), round(model.score_of_counts(indices), 3))


def write_scores(scored: Sequence[Scored], file: TextIO) -> None:
    """Write ``label TAB score TAB path TAB score of the counts alone`` for each message."""
    for one in scored:
        file.write(f"{'spam' if one.spam else 'ham'}\t{one.score:.3f}\t{one.name}\t{one.counts:.3f}\n")


def measure_scored(scored: Sequence[Scored], threshold: float = MIDDLE_LEVEL, *, counts: bool = False) -> Measures:
    """Return the measures of one run, or of its first layer alone (`counts`).

    Raises CorpusError when one of the classes is missing.
    """
    ham = np.array([one.counts if counts else one.score for one in scored if not one.spam], dtype=np.float64)
    spam = np.array([one.counts if counts else one.score for one in scored if one.spam], dtype=np.float64)
    if not len(ham) or not len(spam):
        raise CorpusError("the index holds one class only; measures need ham and spam")
    return measure(ham, spam, threshold)
