"""Held-out mail: each message is scored by a model of others, and ham of it sets the scale."""

import math

import numpy as np
import pytest

from tamis.models.bayes import Model
from tamis.models.held_out import RUNS, Judged, Numbers, hold_out, runs, tenth
from tamis.models.points import FRESH_MIDDLE, LEAST_MIDDLE, MOST_MIDDLE
from tamis.models.stream import Stream


def _judged(ham: list[float], spam: list[float] | None = None) -> Judged:
    evidence = np.array([*ham, *(spam or [])])
    labels = np.arange(len(evidence)) >= len(ham)
    return Judged(np.arange(len(evidence)), labels, evidence, evidence / 2)


def test_runs_are_all_mail_and_neighbours_stand_together() -> None:
    spam = np.array([False] * 9 + [True] * 13 + [False] * 2)
    held = list(runs(spam))
    assert len(held) == RUNS
    assert np.sum(held, axis=0).tolist() == [1] * len(spam)
    for label in (False, True):
        of_class = np.array(held)[:, spam == label]
        assert (np.diff(of_class.argmax(axis=0)) >= 0).all(), "in the order of the mail"
        assert {int(count) for count in of_class.sum(axis=1)} <= {2, 3}
    assert list(runs(np.array([], dtype=np.bool_))) == []
    assert sum(int(one.sum()) for one in runs(np.array([True, False]))) == 2


def test_one_in_ten_of_each_class() -> None:
    spam = np.array([False] * 25 + [True] * 9 + [False] * 5)
    assert np.flatnonzero(tenth(spam)).tolist() == [9, 19, 38]


@pytest.mark.parametrize("in_runs", [True, False])
def test_each_is_scored_by_what_others_teach(in_runs: bool) -> None:
    """A message that stands for itself alone is a stranger to the model that scores it."""
    taught: list[set[int]] = []

    class Known(Model):
        def __init__(self, numbers: Numbers) -> None:
            super().__init__()
            self.numbers = {*numbers.tolist()}

        def evidence(self, indices: np.ndarray) -> float:
            return float(int(indices[0]) in self.numbers)

        def mean_log_odds(self, indices: np.ndarray) -> float:
            return float(indices[0]) if int(indices[0]) not in self.numbers else math.nan

    def fitted(numbers: Numbers) -> Model:
        taught.append({*numbers.tolist()})
        return Known(numbers)

    with Stream() as stream:
        for number in range(40):
            stream.add(np.array([number], dtype=np.uint32), number % 2 == 1)
        learned = np.arange(5, 35)
        judged = hold_out(stream, learned, fitted, in_runs=in_runs)
    assert not judged.evidence.any()
    assert judged.counts.tolist() == judged.numbers.tolist()
    assert judged.spam.tolist() == [number % 2 == 1 for number in judged.numbers]
    assert sorted(judged.numbers) == (learned.tolist() if in_runs else [23, 24])
    assert all(numbers < {*range(5, 35)} for numbers in taught)


def test_one_ham_in_a_thousand_may_reach_the_level() -> None:
    ham = [-1.0] * 1997 + [0.8, 0.9, 1.1]
    middle = _judged(ham, [9.0] * 50).middle()
    assert middle == math.nextafter(0.8, 1)
    both, counts = _judged(ham).points(middle)
    assert int((both >= 7.5).sum()) == 2
    assert counts[-1] == pytest.approx(7.5 * 0.55 / 0.8)


def test_only_enough_ham_lowers_the_scale() -> None:
    assert _judged([-1.0] * 1000).middle() == LEAST_MIDDLE
    assert _judged([-1.0] * 999).middle() == FRESH_MIDDLE
    assert _judged([-1.0] * 999).middle(before=0.9) == 0.9
    assert _judged([-1.0] * 1000).middle(before=0.9) == LEAST_MIDDLE
    assert _judged([-1.0] * 1000).middle(0.9) == 0.9
    assert _judged([], [9.0]).middle() == FRESH_MIDDLE
    assert _judged([-1.0] * 20 + [0.8]).middle() == math.nextafter(0.8, 1), "little ham may raise it"


def test_spam_that_is_called_ham_does_not_put_the_level_out_of_reach() -> None:
    assert _judged([-1.0] * 1000 + [9.0] * 20).middle() == MOST_MIDDLE


def test_a_stream_of_messages_without_features() -> None:
    with Stream() as stream:
        stream.add(np.array([], dtype=np.uint32), True)
        assert len(stream[0][0]) == 0
        assert stream.is_spam(0)
