"""Training by scikit-learn in batches comes to the same counts as learning message by message."""

import math
from collections import Counter

import numpy as np
import pytest

from tamis.message import Message
from tamis.models import fitting
from tamis.models.bayes import Model
from tamis.models.corpus import Entry
from tamis.models.features import BODY, HEADER, features, view_slice
from tamis.models.points import FRESH_MIDDLE
from tamis.models.training import TEST_WEIGHT_BOUNDS, HitCounts, Source, agreed_weights, learn_test_weights, train
from tamis.settings import LEVELS


@pytest.fixture
def entries(make_message) -> list[Entry]:
    def entry(number: int, spam: bool) -> Entry:
        return Entry(spam, f"{number}", lambda: make_message(number, spam))

    return [entry(number, number % 3 == 0) for number in range(90)]


@pytest.mark.slow
def test_counts_are_those_of_learning(entries: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_BATCH", 25)
    model, report = train([Source("all", entries)])
    slow = Model()
    for entry in entries:
        slow.learn(features(Message(entry.read())), entry.spam)
    assert np.array_equal(model.counts, slow.counts)
    assert model.messages.tolist() == slow.messages.tolist()
    assert (report.ham, report.spam, report.known) == (60, 30, slow.known)
    message = features(Message(entries[0].read()))
    assert model.log_odds(message) == pytest.approx(slow.log_odds(message), rel=1e-9)


@pytest.mark.slow
def test_held_out_mail_sets_the_scale_and_the_report(entries: list[Entry]) -> None:
    seen: list[tuple[int, int]] = []
    model, report = train([Source("all", entries)], lambda done, total: seen.append((done, total)))
    assert (report.held_out_ham, report.held_out_spam) == (60, 30), "all of it, each message by what others teach"
    assert list(report.misfiled) == list(report.missed) == list(LEVELS)
    assert list(report.counts_misfiled) == list(report.counts_missed) == list(LEVELS)
    assert report.misfiled[7.5] == 0.0
    assert model.middle >= FRESH_MIDDLE
    assert seen[-1] == (90, 90)


@pytest.mark.slow
def test_the_report_has_both_layers_and_the_counts_alone(entries: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out mail is the same for both; what a layer says is told by the levels it reaches."""
    monkeypatch.setattr(Model, "evidence", lambda model, indices: FRESH_MIDDLE * 5.0 / 7.5)
    monkeypatch.setattr(Model, "mean_log_odds", lambda model, indices: FRESH_MIDDLE * math.exp(8.0 / 7.5 - 1))
    _, report = train([Source("all", entries)])
    assert [level for level in LEVELS if report.misfiled[level]] == [3, 4.5]
    assert [level for level in LEVELS if report.missed[level]] == [6, 7.5, 9, 10.5, 12]
    assert [level for level in LEVELS if report.counts_misfiled[level]] == [3, 4.5, 6, 7.5]
    assert [level for level in LEVELS if report.counts_missed[level]] == [9, 10.5, 12]


@pytest.mark.slow
def test_going_on_from_a_model(entries: list[Entry]) -> None:
    first, _ = train([Source("a", entries[:45])])
    first.weights = {"OLD": 0.5}
    both, _ = train([Source("b", entries[45:])], start=first)
    whole, _ = train([Source("all", entries)])
    assert np.array_equal(both.counts, whole.counts)
    assert both.messages.tolist() == whole.messages.tolist()
    assert both.weights == {"OLD": 0.5}
    assert both.middle >= first.middle


@pytest.mark.slow
def test_body_only_sources_teach_no_header(entries: list[Entry]) -> None:
    model, _ = train([Source("all", entries, body_only=True)])
    assert model.counts[:, view_slice(BODY)].any()
    assert not model.counts[:, view_slice(HEADER)].any()
    assert model.messages[BODY].tolist() == [60, 30]
    assert model.messages[HEADER].tolist() == [0, 0]


@pytest.mark.slow
def test_repeats_and_rare_features_can_be_left_out(entries: list[Entry]) -> None:
    model, report = train([Source("all", entries + entries)], unique=True, fewest=3)
    assert report.repeated == 90
    assert (report.ham, report.spam) == (60, 30)
    known = model.counts.sum(axis=0)
    assert known[known > 0].min() >= 3


@pytest.mark.slow
def test_named_tests_learn_their_weights(entries: list[Entry]) -> None:
    def named(message: Message) -> list[str]:
        return ["SHOP" if b"shop" in message.raw else "CLUB", "ALWAYS"]

    quiet = Source("quiet", entries, teaches_tests=False)
    model, _ = train([Source("all", entries), quiet], named_tests=named)
    assert model.weights["SHOP"] > 0.2
    assert model.weights["CLUB"] < -0.2
    assert model.weights["ALWAYS"] == 0.0
    weights = learn_test_weights((entry.spam, named(Message(entry.read()))) for entry in entries)
    assert weights == model.weights


def test_test_weights_are_smooth_and_bounded() -> None:
    many = [(True, ["A", "A"])] * 5000 + [(False, ["B"])] * 5000
    assert learn_test_weights(many) == {"A": TEST_WEIGHT_BOUNDS[1], "B": TEST_WEIGHT_BOUNDS[0]}
    once = [(True, ["RARE"])] + [(True, [])] * 99 + [(False, [])] * 100
    assert 0 < learn_test_weights(once)["RARE"] < 0.1
    assert learn_test_weights([]) == {}
    assert all(round(weight, 3) == weight for weight in learn_test_weights(once).values())


def _tested(messages: int, **hits: tuple[int, int]) -> HitCounts:
    """So many messages of each class, and of each test how many ham and how many spam hit it."""
    counted = {(spam, name): counts[spam] for name, counts in hits.items() for spam in (False, True)}
    return HitCounts(Counter({False: messages, True: messages}), Counter(counted))


def test_no_weight_is_further_from_0_than_a_source_has_it() -> None:
    one = _tested(1000, HABIT=(10, 500), SIGN=(5, 200), OPPOSED=(10, 300), RARE=(0, 40))
    other = _tested(1000, HABIT=(100, 110), SIGN=(5, 100), OPPOSED=(50, 10))
    weights = agreed_weights([one, other])
    assert weights["HABIT"] == other.weights()["HABIT"] < one.weights()["HABIT"]
    assert 0 < weights["SIGN"] == other.weights()["SIGN"]
    assert weights["OPPOSED"] == 0
    assert weights["RARE"] > 0, "a source where it hits nothing has no say"
    assert agreed_weights([one]) == one.weights()


def test_a_source_with_few_messages_of_a_class_has_no_say() -> None:
    one, ham = _tested(1000, HABIT=(10, 500)), _tested(1000, HABIT=(100, 0))
    ham.messages[True] = 0
    assert agreed_weights([one, ham])["HABIT"] > 0.5
