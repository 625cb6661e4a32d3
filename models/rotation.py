"""The protocols that train several models: k-fold, and each group of sources by what the other groups teach.

Messages are read once; their features wait in a file (`stream`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tamis.message import Message
from tamis.models.bayes import ALPHA, Model
from tamis.models.corpus import Entry
from tamis.models.digests import text_digest
from tamis.models.evaluation import Progress, Scored, scored
from tamis.models.features import body_only, features
from tamis.models.fitting import Fit
from tamis.models.held_out import Numbers, hold_out
from tamis.models.stream import Stream


@dataclass(frozen=True, slots=True)
class Bounds:
    """How the models of a rotation are fitted; see `fitting.Fit`."""

    alpha: float = ALPHA
    fewest: int = 1
    fewest_sources: int = 1
    middle: float | None = None
    """Evidence worth 7.5 points; None for what the mail learned says, as in the model of one site's own mail."""


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    source: str
    group: int


class Collection:
    """The features of labelled mail in groups, each message with its source."""

    def __init__(self, stream: Stream, *, without_headers: bool, unique: bool) -> None:
        self._stream, self._without_headers, self._unique = stream, without_headers, unique
        self._messages: list[_Known] = []
        self._texts: set[bytes] = set()
        self.repeated = 0
        """Messages left out because one with the same text was there already, in whatever group."""

    def read(self, entries: Sequence[Entry], source: str, group: int, progress: Progress | None = None) -> None:
        """Read the mail of one source. Raises CorpusError or OSError."""
        for done, entry in enumerate(entries, 1):
            message = Message(entry.read())
            digest = text_digest(message) if self._unique else b""
            if digest and digest in self._texts:
                self.repeated += 1
            else:
                self._texts.add(digest)
                indices = features(message)
                self._stream.add(body_only(indices) if self._without_headers else indices, entry.spam)
                self._messages.append(_Known(entry.name, source, group))
            if progress is not None:
                progress(done, len(entries))

    def folds(self, count: int, bounds: Bounds, progress: Progress | None = None) -> Iterator[Scored]:
        """Score each of `count` parts by what the others teach; message n is in part n modulo `count`."""
        for fold in range(count):
            yield from self._part([number % count == fold for number in range(len(self._messages))], bounds)
            if progress is not None:
                progress(fold + 1, count)

    def of_group(self, group: int, bounds: Bounds) -> Iterator[Scored]:
        """Score the messages of one group by what all other groups teach."""
        return self._part([message.group == group for message in self._messages], bounds)

    def _part(self, chosen: Sequence[bool], bounds: Bounds) -> Iterator[Scored]:
        def fitted(numbers: Numbers) -> Model:
            fit = Fit(self._stream, bounds.alpha, None, bounds.fewest, bounds.fewest_sources)
            for number in numbers.tolist():
                fit.add(number, self._messages[number].source)
            return fit.model()

        learned = np.flatnonzero(~np.array(chosen, dtype=np.bool_))
        model = fitted(learned)
        model.middle = hold_out(self._stream, learned, fitted).middle() if bounds.middle is None else bounds.middle
        for number, message in enumerate(self._messages):
            if chosen[number]:
                yield scored(model, *self._stream[number], message.name)
