"""Delayed feedback taken apart: which pairs of ham and spam are in the wrong order, and what a start does about it.

    TAMIS_CORPORA=/path/to/corpora python -m benchmarks.delayed [GROUP ...]

Each message is learned 1,000 messages after it was scored. *Fresh* begins with an empty model, which scores the first
1,001 messages alike; *started* with what all other groups teach, as a fresh installation begins with the shipped
model. trec07p comes in its order, the others in a shuffled one that is always the same. 1-ROCA is the share of wrong
pairs (ties count half), so it is a sum over pairs of blocks. All is printed of both layers and of the counts alone.
"""

import argparse
import os
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.classifier import CORPORA, GROUPS, TREC, Known, Mail, group_of, stranger
from benchmarks.lessons import features_of
from tamis.models.bayes import Model
from tamis.models.evaluation import DELAY, Scored, measure_scored, scored
from tamis.models.features import Indices
from tamis.models.stream import Stream

BLOCKS: Final = (0, 1000, 2000, 3000)
"""Where the blocks begin."""
WORST: Final = 5


def delayed(mail: Mail, messages: list[Known], model: Model) -> list[Scored]:
    """Score each message, and learn it so much later."""
    waiting: deque[tuple[Indices, bool]] = deque()
    found = []
    for one in messages:
        indices, spam = features_of(mail, one)
        found.append(scored(model, indices, spam, one.name))
        waiting.append((indices, spam))
        if len(waiting) > DELAY:
            model.learn(*waiting.popleft())
    return found


def wrong(found: list[Scored]) -> "tuple[np.ndarray[tuple[int], np.dtype[np.float64]], list[bool]]":
    """Return for each message with how many of the other class it is in the wrong order, and its label."""
    scores, spam = np.array([one.score for one in found]), np.array([one.spam for one in found])
    classes = {label: np.sort(scores[spam == label]) for label in (False, True)}
    pairs = np.zeros(len(found))
    for label, others in ((True, classes[False]), (False, classes[True])):
        own = scores[spam == label]
        below, upto = np.searchsorted(others, own, side="left"), np.searchsorted(others, own, side="right")
        pairs[spam == label] = (len(others) - upto if label else below) + (upto - below) / 2
    return pairs, spam.tolist()


def by_block(found: list[Scored]) -> None:
    """Print how much of 1-ROCA each pair of blocks adds: ham of one, spam of the other."""
    scores, spam = np.array([one.score for one in found]), np.array([one.spam for one in found])
    block = np.digitize(np.arange(len(found)), BLOCKS[1:])
    every = float(spam.sum()) * float((~spam).sum())
    print("  ham of block \\ spam of block:", *(f"{begin:>8}-" for begin in BLOCKS))
    for row in range(len(BLOCKS)):
        ham = np.sort(scores[~spam & (block == row)])
        shares = []
        for column in range(len(BLOCKS)):
            asked = scores[spam & (block == column)]
            below, upto = np.searchsorted(ham, asked, side="left"), np.searchsorted(ham, asked, side="right")
            shares.append(100 * float((len(ham) - upto + (upto - below) / 2).sum()) / every)
        print(f"  {BLOCKS[row]:>29}-", *(f"{share:9.4f}" for share in shares))


def report(title: str, found: list[Scored]) -> None:
    """Print the measure, and where it comes from, of both layers and of the counts alone."""
    report_layer(f"{title}, both layers", found)
    report_layer(f"{title}, counts alone", [replace(one, score=one.counts) for one in found])


def report_layer(title: str, found: list[Scored]) -> None:
    """Print the measure of one layer's scores, and where it comes from."""
    whole, later = (measure_scored(part).one_minus_roc_area for part in (found, found[DELAY:]))
    print(f"{title}: 1-ROCA {100 * whole:.4f} %, of the messages after the first {DELAY:,} {100 * later:.4f} %")
    by_block(found)
    pairs, spam = wrong(found[DELAY:])
    ham = sorted((number for number, label in zip(pairs, spam, strict=True) if not label), reverse=True)
    share = 100 * sum(ham[:WORST]) / sum(ham)
    print(f"  after the first {DELAY:,}: {share:.0f} % of the wrong pairs have one of {WORST} ham")
    for place in np.argsort(-pairs, kind="stable")[:WORST]:
        one = found[DELAY + int(place)]
        print(f"    {one.name} ({'spam' if one.spam else 'ham'}): {one.score}, {pairs[place]:.0f} pairs", flush=True)


def main() -> int:
    """Measure the groups that are named; all where none is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", nargs="*", type=group_of, help="the first corpus of a group")
    args = parser.parse_args()
    with Stream() as stream:
        mail = Mail(stream, Path(os.environ["TAMIS_CORPORA"]), CORPORA)
        for group in args.group or GROUPS:
            messages = mail.of(*group)
            if group != (TREC,):
                messages = [messages[place] for place in np.random.default_rng(1).permutation(len(messages))]
            report(f"{' + '.join(group)}, fresh", delayed(mail, messages, Model()))
            report(f"{' + '.join(group)}, started", delayed(mail, messages, stranger(mail, group)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
