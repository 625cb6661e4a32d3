"""The measures agree with their definitions, counted the slow way."""

import numpy as np
import pytest

from tamis.models.measures import logistic_average, measure, roc_area, spam_missed_at


def test_roc_area_is_the_share_of_ordered_pairs() -> None:
    chance = np.random.default_rng(7)
    for _ in range(20):
        ham = chance.integers(0, 30, chance.integers(1, 60)).astype(float)
        spam = chance.integers(5, 40, chance.integers(1, 60)).astype(float)
        slow = sum((s > h) + 0.5 * (s == h) for h in ham for s in spam) / (len(ham) * len(spam))
        assert roc_area(ham, spam) == pytest.approx(slow, abs=1e-12)


def test_spam_missed_at_a_share_of_misfiled_ham() -> None:
    ham = np.arange(1000.0)
    spam = np.array([998.5, 999.5, 997.5, 1.0])
    assert spam_missed_at(ham, spam, 0.0) == 0.75
    assert spam_missed_at(ham, spam, 0.001) == 0.5
    assert spam_missed_at(ham, spam, 0.002) == 0.25
    assert spam_missed_at(ham, spam, 1.0) == 0.0


def test_logistic_average() -> None:
    assert logistic_average(0.1, 1000, 0.1, 1000) == pytest.approx(0.1)
    assert logistic_average(0.0, 100, 0.5, 100) == pytest.approx(logistic_average(0.005, 100, 0.5, 100))


def test_printed_lines() -> None:
    lines = measure(np.array([0.0, 1.0, 8.0, 0.0]), np.array([9.0, 7.0, 20.0, 30.0]), 7.5).lines()
    assert lines == [
        "n_ham 4 n_spam 4",
        "1-ROCA% 6.2500",
        "sm@hm=0% 25.00",
        "sm@hm=0.05% 25.00",
        "sm@hm=0.1% 25.00",
        "sm@hm=0.5% 25.00",
        "threshold 7.5 hm% 25.000 sm% 25.000 lam% 25.000",
    ]
