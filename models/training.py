"""Training: what to learn, the scale by held-out mail (`held_out`), and the weights of named tests."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.message import Message
from tamis.models.bayes import ALPHA, Model
from tamis.models.corpus import Entry
from tamis.models.digests import text_digest
from tamis.models.extraction import Extracted, extracted
from tamis.models.features import Indices, body_only, features
from tamis.models.fitting import Fit
from tamis.models.held_out import Judged, Numbers, hold_out
from tamis.models.points import FRESH_MIDDLE, LEAST_MIDDLE
from tamis.models.stream import Stream
from tamis.models.wire import message_on_the_wire
from tamis.settings import LEVELS

Progress = Callable[[int, int], None]
"""Told how many messages are done, of how many."""
NamedTests = Callable[[Message], Sequence[str]]

_TEST_PRIOR: Final = 5.0
"""Hits in each class that a named test is presumed to have had besides those counted."""
_TEST_SCALE: Final = 0.3
"""Score points per unit of log-likelihood ratio: oddities come together, so each counts little."""
_ENOUGH_TESTED: Final = 500
"""Messages of each class that outweigh the test weights of the model a training started from."""
TEST_WEIGHT_BOUNDS: Final = (-1.0, 1.5)


@dataclass(slots=True)
class Source:
    """Labelled mail to train on; `body_only` where the headers would give the label away."""

    name: str
    entries: list[Entry]
    body_only: bool = False
    teaches_tests: bool = True
    """Whether named tests, which look at headers, may learn their weights here."""
    leave_out: Callable[[bool, Message], bool] | None = None
    """Given the label and the message, says which messages not to learn."""


@dataclass(slots=True)
class Report:
    """What a training did."""

    ham: int = 0
    spam: int = 0
    repeated: int = 0
    """Messages left out because one with the same text was there already."""
    left_out: int = 0
    """Messages that their source said not to learn."""
    known: int = 0
    """Distinct features in the model."""
    seconds: float = 0.0
    held_out_ham: int = 0
    held_out_spam: int = 0
    misfiled: dict[float, float] = field(default_factory=dict)
    """Share of held-out ham at or above each of the seven levels."""
    missed: dict[float, float] = field(default_factory=dict)
    """Share of held-out spam below each of the seven levels."""
    counts_misfiled: dict[float, float] = field(default_factory=dict)
    """The same as `misfiled`, of the first layer alone on the scale of both."""
    counts_missed: dict[float, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Sample:
    spam: bool
    indices: Indices
    tests: tuple[str, ...] = ()
    """Named tests hit, where the source teaches them."""


@dataclass(slots=True)
class HitCounts:
    """How many messages of each class, by whether they are spam, were tested, and how many of them each test hit."""

    messages: Counter[bool] = field(default_factory=Counter)
    hits: Counter[tuple[bool, str]] = field(default_factory=Counter)

    def add(self, spam: bool, names: Sequence[str]) -> None:
        """Count a message and the tests it hits, each once."""
        self.messages[spam] += 1
        self.hits.update((spam, name) for name in names)

    def weights(self) -> dict[str, float]:
        """Return the weight of each test that hit anything."""
        return _weights_from_counts(self.hits, self.messages[False], self.messages[True])


def train(
    sources: Sequence[Source],
    progress: Progress | None = None,
    *,
    start: Model | None = None,
    named_tests: NamedTests | None = None,
    unique: bool = False,
    fewest: int = 1,
    fewest_sources: int = 1,
    alpha: float | None = None,
    least_middle: float = LEAST_MIDDLE,
    in_runs: bool = True,
    parts: Path | None = None,
    processes: int = 1,
) -> tuple[Model, Report]:
    """Learn all sources and return the model and a report.

    Held-out mail, scored by what the other mail teaches, sets the scale and fills the report: all of it in turn
    (`held_out.runs`), or one message in ten where not `in_runs`. `start` is a model to go on from, `unique` leaves out
    messages whose text was seen before, `fewest` and `fewest_sources` forget features seen in fewer messages or in mail
    of fewer sources than that, `alpha` is the smoothing (that of `start`, else `bayes.ALPHA`), `least_middle` the
    lowest evidence that may be worth 7.5 points. `parts` is a folder for what was read, by so many `processes`: a
    training that was killed goes on from it. Memory is bounded but for some numbers of each message. Raises
    CorpusError or OSError (the features of the messages learned are kept in a temporary file).
    """
    began = time.monotonic()
    report = Report()
    smoothing = alpha if alpha is not None else start.alpha if start is not None else ALPHA
    tested: dict[str, HitCounts] = {}
    origins: list[str] = []
    names: dict[str, int] = {}
    total = sum(len(source.entries) for source in sources)
    with Stream() as stream, Stream() as hits:

        def fitted(numbers: Numbers) -> Model:
            fit = Fit(stream, smoothing, start, fewest, fewest_sources)
            for number in numbers.tolist():
                fit.add(number, origins[number])
            return fit.model()

        read = extracted(sources, partial(_extract, named_tests), parts, processes, f"tests {named_tests is not None}")
        for done, source, sample in _samples(read, unique, report):
            if named_tests is not None and source.teaches_tests:
                tested.setdefault(source.name, HitCounts()).add(sample.spam, sample.tests)
            origins.append(source.name)
            stream.add(sample.indices, sample.spam)
            hit = [names.setdefault(name, len(names)) for name in sample.tests]
            hits.add(np.array(hit, dtype=np.uint32), sample.spam)
            if progress is not None:
                progress(done, total)
        everything = np.arange(len(stream))
        judged = hold_out(stream, everything, fitted, in_runs=in_runs)
        model = fitted(everything)
        model.middle = judged.middle(least_middle, start.middle if start is not None else FRESH_MIDDLE)
        learned = agreed_weights(tested.values())
        old = dict(start.weights) if start is not None else {}
        enough = sum((one.messages for one in tested.values()), Counter())
        model.weights = old | learned if min(enough[False], enough[True]) >= _ENOUGH_TESTED else learned | old
        weights = np.array([model.weights[name] for name in names])
        tests = np.array([weights[hits[number][0]].sum() for number in judged.numbers.tolist()])
        _report_levels(judged, model.middle, tests, report)
    model.started = start is not None
    report.known = model.known
    report.seconds = time.monotonic() - began
    if progress is not None:
        progress(total, total)
    return model, report


def _extract(named_tests: NamedTests | None, source: Source, entry: Entry) -> Extracted:
    """Return what is learned of one message. Raises CorpusError."""
    message = Message(entry.read())
    if source.leave_out is not None and source.leave_out(entry.spam, message):
        return Extracted(b"", True, b"", ())
    tests: tuple[str, ...] = ()
    if named_tests is not None and source.teaches_tests:
        tests = tuple(sorted({*named_tests(message_on_the_wire(message))}))
    indices = features(message)
    known = body_only(indices) if source.body_only else indices
    return Extracted(text_digest(message), False, known.tobytes(), tests)


def _samples(
    read: Iterable[tuple[Source, Entry, Extracted]], unique: bool, report: Report
) -> Iterator[tuple[int, Source, _Sample]]:
    """Yield (messages read so far, source, label with features and tests), counting into the report."""
    texts: set[bytes] = set()
    for done, (source, entry, one) in enumerate(read, 1):
        if one.left_out:
            report.left_out += 1
            continue
        if unique:
            if one.digest in texts:
                report.repeated += 1
                continue
            texts.add(one.digest)
        if entry.spam:
            report.spam += 1
        else:
            report.ham += 1
        yield done, source, _Sample(entry.spam, one.indices(), one.tests)


def _report_levels(judged: Judged, middle: float, tests: NDArray[np.float64], report: Report) -> None:
    """Report what each of the seven levels does to the held-out mail, points of named tests included."""
    spam = judged.spam
    report.held_out_ham, report.held_out_spam = int((~spam).sum()), int(spam.sum())
    both, counts = judged.points(middle)
    for points, misfiled, missed in (
        (both + tests, report.misfiled, report.missed),
        (counts + tests, report.counts_misfiled, report.counts_missed),
    ):
        for level in LEVELS:
            misfiled[level] = float(np.mean(points[~spam] >= level)) if report.held_out_ham else 0.0
            missed[level] = float(np.mean(points[spam] < level)) if report.held_out_spam else 0.0


def agreed_weights(sources: Iterable[HitCounts]) -> dict[str, float]:
    """Return what all sources teach together, no weight further from 0 than any source by itself would have it.

    Else the habit of one server would weigh everywhere. A source with few messages of a class has no say, nor has one
    where a test hits nothing.
    """
    whole = HitCounts()
    judges = []
    for source in sources:
        whole.messages += source.messages
        whole.hits += source.hits
        if min(source.messages[False], source.messages[True]) >= _ENOUGH_TESTED:
            judges.append(source.weights())
    weights = whole.weights()
    for judge in judges:
        for name, said in judge.items():
            least = min(abs(weights[name]), abs(said))
            weights[name] = math.copysign(least, said) if said * weights[name] > 0 else 0.0
    return weights


def learn_test_weights(hits: Iterable[tuple[bool, Sequence[str]]]) -> dict[str, float]:
    """Return the weight in score points of each named test seen, from (is spam, tests hit) per message.

    The weight is the log of how much oftener the test hits spam than ham, smoothed towards 0 for rare
    tests, scaled, kept within `TEST_WEIGHT_BOUNDS`, with three decimals.
    """
    counted: Counter[tuple[bool, str]] = Counter()
    messages = [0, 0]
    for spam, names in hits:
        messages[spam] += 1
        counted.update((spam, name) for name in {*names})
    return _weights_from_counts(counted, messages[0], messages[1])


def _weights_from_counts(hits: Counter[tuple[bool, str]], ham: int, spam: int) -> dict[str, float]:
    weights = {}
    low, high = TEST_WEIGHT_BOUNDS
    mean = (ham + spam) / 2
    for name in sorted({name for _, name in hits}):
        in_ham = hits[False, name] * mean / max(ham, 1)
        in_spam = hits[True, name] * mean / max(spam, 1)
        ratio = math.log((in_spam + _TEST_PRIOR) / (in_ham + _TEST_PRIOR))
        weights[name] = round(min(max(_TEST_SCALE * ratio, low), high), 3)
    return weights
