"""What is served is scikit-learn's naive Bayes, and a model is the same after a journey through a file."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tamis.message import Message
from tamis.models import storage
from tamis.models.bayes import Model
from tamis.models.features import BODY, FEATURES, VIEWS, Indices, body_only, features, split_views
from tamis.models.fitting import presence_matrix
from tamis.models.points import MIDDLE_LEVEL, to_points
from tamis.models.storage import ModelError
from tamis.settings import LEVELS


def _learned(make_message, ham: int = 30, spam: int = 20) -> Model:
    model = Model()
    for number in range(ham):
        model.learn(features(Message(make_message(number, False))), False)
    for number in range(spam):
        model.learn(features(Message(make_message(number, True))), True)
    return model


def _sklearn_log_odds(train: list[Indices], labels: list[bool], test: Indices, view: int, alpha: float) -> float:
    """Fit MultinomialNB with both classes weighted to the same mass, and ask it."""
    from sklearn.naive_bayes import MultinomialNB  # Not for every process that collects this file.

    rows = [split_views(indices)[view] for indices in train]
    mass = [sum(len(row) for row, label in zip(rows, labels, strict=True) if label is spam) for spam in (False, True)]
    weights = [sum(mass) / 2 / mass[label] for label in labels]
    classifier = MultinomialNB(alpha=alpha, fit_prior=False)
    classifier.fit(presence_matrix(rows, view), labels, sample_weight=weights)
    row = presence_matrix([split_views(test)[view]], view)
    ham, spam = classifier.predict_joint_log_proba(row)[0]
    posterior_ham, posterior_spam = classifier.predict_log_proba(row)[0]
    assert spam - ham == pytest.approx(posterior_spam - posterior_ham, abs=1e-6)
    return float(spam - ham)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.1, 1.0])
@pytest.mark.parametrize("spam", [True, False])
def test_log_odds_are_scikit_learns(make_message, spam: bool, alpha: float) -> None:
    labels = [number % 3 == 0 for number in range(45)]
    train = [features(Message(make_message(number, label))) for number, label in enumerate(labels)]
    test = features(Message(make_message(1000, spam)))
    model = Model(alpha=alpha)
    for indices, label in zip(train, labels, strict=True):
        model.learn(indices, label)
    expected = sum(_sklearn_log_odds(train, labels, test, view, alpha) for view in VIEWS)
    assert model.log_odds(test) == pytest.approx(expected, rel=1e-6)
    body = split_views(test)[BODY]
    assert model.log_odds(body) == pytest.approx(_sklearn_log_odds(train, labels, test, BODY, alpha), rel=1e-6)


def test_scores_part_ham_from_spam(make_message) -> None:
    model = _learned(make_message)
    ham = [model.score(features(Message(make_message(number, False)))) for number in range(500, 520)]
    spam = [model.score(features(Message(make_message(number, True)))) for number in range(500, 520)]
    assert max(ham) < 0 < MIDDLE_LEVEL < min(spam)


def test_what_was_never_seen_weighs_nothing(make_message) -> None:
    unseen = np.arange(100, dtype=np.uint32) * 7
    assert Model().score(unseen) == 0.0
    model = _learned(make_message)
    unseen = unseen[~model.counts.any(axis=0)[unseen]]
    assert model.log_odds(unseen) == 0.0
    assert model.score(unseen) == 0.0
    assert model.score(np.empty(0, dtype=np.uint32)) == 0.0


def test_one_class_alone_is_no_evidence(make_message) -> None:
    model = _learned(make_message, ham=0, spam=5)
    assert model.score(features(Message(make_message(0, True)))) == 0.0


def test_a_view_little_seen_hardly_counts(make_message) -> None:
    """Headers learned from one ham and one spam do not drown what a thousand bodies taught."""
    model = Model()
    for number in range(100):
        for spam in (False, True):
            model.learn(body_only(features(Message(make_message(number, spam)))), spam)
    message = features(Message(make_message(700, True)))
    bodies_only = model.score(message)
    assert bodies_only == model.score(body_only(message))
    model.learn(features(Message(make_message(1, True))), True)
    assert model.score(message) == pytest.approx(bodies_only, abs=0.2)


def test_learning_moves_the_score_and_can_be_undone(make_message) -> None:
    model = _learned(make_message)
    message = features(Message(b"Subject: hello\n\nan unheard of proposal about yellow submarines"))
    before, counts_before, counts = model.score(message), model.score_of_counts(message), model.counts.copy()
    model.learn(message, spam=True)
    assert model.score(message) > before + 1
    assert model.score_of_counts(message) > counts_before
    model.unlearn(message, spam=True)
    assert np.array_equal(model.counts, counts)
    assert model.score_of_counts(message) == counts_before
    assert model.stale
    model.learn(message, spam=False)
    assert model.score_of_counts(message) < counts_before


def test_what_is_rebuilt_after_an_undo_never_knew_the_message(make_message, tmp_path: Path) -> None:
    """Bit for bit: the file too."""
    start = _learned(make_message)
    mail = [(features(Message(make_message(number, number % 3 == 0))), number % 3 == 0) for number in range(100, 130)]
    wrong = (features(Message(b"Subject: x\n\ncheap garden casino")), True)
    undone, never = start.copy(), start.copy()
    for indices, spam in [*mail[:10], wrong, *mail[10:]]:
        undone.learn(indices, spam)
    for indices, spam in mail:
        never.learn(indices, spam)
    undone.unlearn(*wrong)
    undone.rebuild(mail, start)
    assert not undone.stale
    undone.save(tmp_path / "undone")
    never.save(tmp_path / "never")
    assert (tmp_path / "undone").read_bytes() == (tmp_path / "never").read_bytes()


def test_shares_of_features_add_up_to_the_evidence(make_message) -> None:
    model = _learned(make_message)
    message = features(Message(make_message(900, True)))
    assert model.shares(message).sum() == pytest.approx(model.evidence(message))
    assert model.evidence(message) != model.mean_log_odds(message)


def test_round_trip(make_message, tmp_path: Path) -> None:
    model = _learned(make_message)
    model.weights = {"MISSING_DATE": 0.25, "EMPTY_TO": -0.5}
    model.middle = 0.33
    model.save(tmp_path / "model.bin")
    again = Model.load(tmp_path / "model.bin")
    message = features(Message(make_message(1000, True)))
    assert again.score(message) == model.score(message)
    assert np.array_equal(again.correction.weights, model.correction.weights)
    assert np.array_equal(again.counts, model.counts)
    assert (again.weights, again.middle, again.alpha) == (model.weights, model.middle, model.alpha)
    assert again.version == model.version != "unsaved"
    assert again.messages.tolist() == model.messages.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


@pytest.mark.slow
def test_a_mapped_model_is_the_same_and_its_file_is_never_written_by_learning(make_message, tmp_path: Path) -> None:
    model = _learned(make_message)
    model.save(tmp_path / "packed")
    packed = model.version
    model.save(tmp_path / "mapped", mapped=True)
    assert model.version == packed
    octets = (tmp_path / "mapped").read_bytes()
    again = Model.load(tmp_path / "mapped")
    message = features(Message(make_message(1000, True)))
    assert again.score(message) == model.score(message)
    again.learn(message, True)
    assert again.score(message) != model.score(message)
    assert (tmp_path / "mapped").read_bytes() == octets
    again.save(tmp_path / "mapped", mapped=True)
    assert Model.load(tmp_path / "mapped").score(message) == again.score(message)
    (tmp_path / "mapped").write_bytes(octets[:-1])
    with pytest.raises(ModelError, match="cut short"):
        Model.load(tmp_path / "mapped")


def test_version_is_of_the_content(make_message, tmp_path: Path) -> None:
    model = _learned(make_message)
    model.save(tmp_path / "a")
    first = model.version
    model.copy().save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    model.learn(features(Message(b"Subject: x\n\nmore")), True)
    model.save(tmp_path / "a")
    assert model.version != first


def test_a_failed_save_leaves_the_old_model(make_message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.bin"
    model = _learned(make_message)
    model.save(path)
    old = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", fail)
    model.learn(features(Message(b"\n\nmore")), True)
    with pytest.raises(OSError, match="No space"):
        model.save(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "cut in header", "flipped", "header", "version"])
def test_damaged_models_are_refused_in_one_line(make_message, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "model.bin"
    _learned(make_message).save(path)
    data = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "text": b"hello\n",
            "cut": data[:-100],
            "cut in header": data[:40],
            "flipped": data[:-2000] + bytes(1000) + data[-1000:],
            "header": data[:20] + b"\xff" + data[21:],
            "version": data.replace(b'"features_version":3', b'"features_version":9'),
        }[damage]
    )
    with pytest.raises(ModelError) as raised:
        Model.load(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_pruning_forgets_rare_features_only(make_message) -> None:
    model = _learned(make_message)
    seen = model.counts.sum(axis=0)
    model.prune(3)
    assert np.array_equal(model.counts.any(axis=0), seen >= 3)


def test_clues_speak_of_the_message(make_message) -> None:
    model = _learned(make_message)
    raw = b"From: x@club.example\nSubject: casino offer\n\nCheap pills from the garden club committee, order viagra\n"
    clues = model.clues(Message(raw), 12)
    assert 5 < len(clues) <= 12
    assert [abs(clue.weight) for clue in clues] == sorted((abs(clue.weight) for clue in clues), reverse=True)
    text = raw.decode().lower()
    for clue in clues:
        where, _, piece = clue.text.partition(": ")
        assert where in {"word", "subject", "url", "make", "octets", "header", "header octets"}
        if where in {"word", "subject"}:
            assert piece in text
            assert (clue.weight > 0) == (clue.spam / 20 > clue.ham / 30)
    assert any(clue.weight > 0 for clue in clues)
    assert any(clue.weight < 0 for clue in clues)
    assert model.clues(Message(b""), 5) == model.clues(Message(b""), 5)


def test_points_are_monotone_and_pinned() -> None:
    steps = [to_points(mean, 0.4) for mean in np.linspace(-8, 8, 4001)]
    assert all(a < b for a, b in pairwise(steps))
    assert to_points(0.0, 0.4) == 0.0
    assert to_points(0.4, 0.4) == pytest.approx(MIDDLE_LEVEL)
    assert -4 < to_points(-5, 0.4) < 0
    assert 12 < to_points(1.0, 0.4) < 30
    assert LEVELS[3] == MIDDLE_LEVEL
    assert len(LEVELS) == 7


def test_serving_never_imports_scikit_learn() -> None:
    code = (
        "import sys; from tamis.message import Message; from tamis.models.features import features; "
        "from tamis.models.bayes import Model; Model().score(features(Message(b'x: y\\n\\nz'))); "
        "import tamis.models.commands, json; print(json.dumps([m for m in ('sklearn', 'scipy') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_index_space_fits_the_memory_promised() -> None:
    assert FEATURES * (2 * 4 + 2) <= 64_000_000
