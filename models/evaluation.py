"""Measuring a model on labelled mail: the protocols, one score per message, and the file of scores.

* online: an empty model meets the messages in order, scores each and then learns it (TREC's immediate
  feedback);
* batch: a fresh model learns one index and scores another;
* score: a given model scores, and learns nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

import numpy as np

from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.corpus import CorpusError, Entry
from tamis.models.features import features
from tamis.models.measures import Measures, measure
from tamis.models.points import MIDDLE_LEVEL

Scorer = Callable[[Message], float]
Progress = Callable[[int, int], None]


class Protocol(StrEnum):
    """How a model meets the messages it is measured on."""

    ONLINE = "online"
    BATCH = "batch"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Scored:
    """One message and its score, rounded to three decimals as it would be printed."""

    spam: bool
    score: float
    name: str


def online(entries: Sequence[Entry], progress: Progress | None = None) -> Iterator[Scored]:
    """Score each message with what the ones before it taught, then learn it. Raises CorpusError."""
    model = Model()
    for done, entry in enumerate(entries, 1):
        indices = features(Message(entry.read()))
        yield Scored(entry.spam, round(model.score(indices), 3), entry.name)
        model.learn(indices, entry.spam)
        if progress is not None:
            progress(done, len(entries))


def score(entries: Sequence[Entry], scorer: Scorer, progress: Progress | None = None) -> Iterator[Scored]:
    """Score each message and learn nothing. Raises CorpusError."""
    for done, entry in enumerate(entries, 1):
        yield Scored(entry.spam, round(scorer(Message(entry.read())), 3), entry.name)
        if progress is not None:
            progress(done, len(entries))


def token_evidence(model: Model) -> Scorer:
    """Return the scorer that asks the model alone, without named tests."""
    return lambda message: model.score(features(message))


def write_scores(scored: Sequence[Scored], file: TextIO) -> None:
    """Write ``label TAB score TAB path`` for each message."""
    for one in scored:
        file.write(f"{'spam' if one.spam else 'ham'}\t{one.score:.3f}\t{one.name}\n")


def measure_scored(scored: Sequence[Scored], threshold: float = MIDDLE_LEVEL) -> Measures:
    """Return the measures of one run. Raises CorpusError when one of the classes is missing."""
    ham = np.array([one.score for one in scored if not one.spam], dtype=np.float64)
    spam = np.array([one.score for one in scored if one.spam], dtype=np.float64)
    if not len(ham) or not len(spam):
        raise CorpusError("the index holds one class only; measures need ham and spam")
    return measure(ham, spam, threshold)
