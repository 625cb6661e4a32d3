"""The classifier's table of aims: every protocol on real mail, of both layers and of the counts alone.

    TAMIS_CORPORA=/path/to/corpora python -m benchmarks.classifier [online] [delayed] [batch] [folds] [cross]

Each message is read once, then all protocols run on its features. A run is what `tamis evaluate` does with
the same protocol; see docs/classifier.md for the figures.
"""

import argparse
import os
import sys
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.corpus import entries_of
from tamis.models.digests import text_digest
from tamis.models.evaluation import Scored, measure_scored, scored
from tamis.models.features import Indices, body_only, features
from tamis.models.fitting import Fit
from tamis.models.held_out import Numbers, hold_out
from tamis.models.points import CAUTION
from tamis.models.shipped import FEWEST_MESSAGES, FEWEST_SOURCES, SMOOTHING
from tamis.models.stream import Stream

TREC = "trec07p-first20k"
GROUPS = ((TREC,), ("spamassassin",), ("ccert-zh", "enron-raw-ham"), ("modern",))
CORPORA = tuple(name for group in GROUPS for name in group)
HALF = 10_000
FOLDS = 5


@dataclass(frozen=True)
class Known:
    """A message whose features are in the stream."""

    number: int
    name: str
    source: str
    digest: bytes


class Mail:
    """The features of all corpora wanted."""

    def __init__(self, stream: Stream, folder: Path, names: Iterable[str]) -> None:
        self.stream = stream
        self.known: list[Known] = []
        for name in names:
            began = time.monotonic()
            for entry in entries_of(folder / name):
                message = Message(entry.read())
                self.known.append(Known(len(stream), entry.name, name, text_digest(message)))
                stream.add(features(message), entry.spam)
            print(f"read {name}: {time.monotonic() - began:.0f} s", flush=True)

    def of(self, *names: str) -> list[Known]:
        """The messages of some corpora, in order."""
        return [one for one in self.known if one.source in names]

    def unique(self) -> list[Known]:
        """The first message of each text, over all corpora."""
        first = {one.digest: one for one in reversed(self.known)}
        return sorted(first.values(), key=lambda one: one.number)

    def score(self, model: Model, one: Known, *, body: bool = False) -> Scored:
        """The scores of one message."""
        indices, spam = self.stream[one.number]
        return scored(model, body_only(indices) if body else indices, spam, one.name)


class Bodies(Stream):
    """A stream as it would be without the headers."""

    def __init__(self, whole: Stream) -> None:
        self._whole = whole

    def __getitem__(self, number: int) -> tuple[Indices, bool]:
        indices, spam = self._whole[number]
        return body_only(indices), spam

    def is_spam(self, number: int) -> bool:
        return self._whole.is_spam(number)


def report(title: str, found: list[Scored]) -> None:
    """Print one line for both layers and one for the counts alone."""
    for layer, counts in (("both layers", False), ("counts alone", True)):
        measures = measure_scored(found, counts=counts)
        print(
            f"{title:32s} {layer:12s} 1-ROCA {100 * measures.one_minus_roc_area:.4f} %, spam missed at 0.1 % ham "
            f"{100 * measures.spam_missed_at[0.001]:.2f} %, at 7.5: ham {100 * measures.ham_misfiled:.3f} %, "
            f"spam missed {100 * measures.spam_missed:.2f} %",
            flush=True,
        )


def online(mail: Mail, delay: int) -> list[Scored]:
    """Score each message of TREC 2007, then learn it, or learn it `delay` messages later."""
    model, found = Model(), []
    waiting: deque[int] = deque()
    for one in mail.of(TREC):
        found.append(mail.score(model, one))
        waiting.append(one.number)
        if len(waiting) > delay:
            model.learn(*mail.stream[waiting.popleft()])
    return found


def batch(mail: Mail, number: int = HALF) -> list[Scored]:
    """Learn the first messages of TREC 2007 and score the next."""
    messages = mail.of(TREC)
    model = site(mail.stream, messages[:number])
    return [mail.score(model, one) for one in messages[number : 2 * number]]


def site(stream: Stream, messages: list[Known]) -> Model:
    """Return the model that a site's own mail teaches, on the scale that this mail sets."""

    def fitted(numbers: Numbers) -> Model:
        fit = Fit(stream, Model().alpha)
        for number in numbers.tolist():
            fit.add(number, "")
        return fit.model()

    numbers = np.array([one.number for one in messages])
    model = fitted(numbers)
    model.middle = hold_out(stream, numbers, fitted).middle()
    print(f"7.5 is an evidence of {model.middle:.3f}", flush=True)
    return model


def folds(mail: Mail) -> list[Scored]:
    """Five-fold over ccert-zh, body and Subject only, each text once."""
    messages = [one for one in mail.unique() if one.source == "ccert-zh"]
    found = []
    for fold in range(FOLDS):
        model = site(Bodies(mail.stream), [one for place, one in enumerate(messages) if place % FOLDS != fold])
        found += [mail.score(model, one, body=True) for one in messages[fold::FOLDS]]
    return found


def stranger(mail: Mail, group: tuple[str, ...]) -> Model:
    """Return the model that all other groups teach, made as the shipped one is."""
    fit = Fit(Bodies(mail.stream), SMOOTHING, None, FEWEST_MESSAGES, FEWEST_SOURCES)
    for one in mail.unique():
        if one.source not in group:
            fit.add(one.number, one.source)
    model = fit.model()
    model.middle = CAUTION
    return model


def cross(mail: Mail, group: tuple[str, ...]) -> list[Scored]:
    """Score a group by what the others teach."""
    model = stranger(mail, group)
    return [mail.score(model, one, body=True) for one in mail.unique() if one.source in group]


def group_of(first: str) -> tuple[str, ...]:
    """Return the group that begins with a corpus, for a command line. Raises `argparse.ArgumentTypeError`."""
    for group in GROUPS:
        if group[0] == first:
            return group
    raise argparse.ArgumentTypeError(f"no group begins with {first!r}: {', '.join(group[0] for group in GROUPS)}")


def main(wanted: list[str]) -> int:
    """Run what is wanted; all where nothing is said."""
    folder = Path(os.environ["TAMIS_CORPORA"])
    every = {"online", "delayed", "batch", "folds", "cross"}
    chosen = set(wanted) or every
    if unknown := chosen - every:
        print(f"no such work: {', '.join(sorted(unknown))}; there are {', '.join(sorted(every))}", file=sys.stderr)
        return 2
    names = list(CORPORA)
    if not chosen & {"folds", "cross"}:
        names = [TREC]
    elif "cross" not in chosen:
        names = ["ccert-zh"] if chosen == {"folds"} else [TREC, "ccert-zh"]
    with Stream() as stream:
        mail = Mail(stream, folder, names)
        if "online" in chosen:
            report("online", online(mail, 0))
        if "delayed" in chosen:
            report("delayed by 1,000", online(mail, 1000))
        if "batch" in chosen:
            report("batch", batch(mail))
        if "folds" in chosen:
            report("ccert-zh, 5-fold", folds(mail))
        for group in GROUPS if "cross" in chosen else ():
            report("others on " + " + ".join(group), cross(mail, group))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
