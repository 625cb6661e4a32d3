"""The compiled arithmetic is held to what numpy says of the same message."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.message import Message
from tamis.models import hashing, native
from tamis.models.bayes import HAM, SPAM, Model
from tamis.models.correction import Correction
from tamis.models.features import FEATURES, Indices, families, features, split_views
from tamis.models.sparse import SparseCounts

ALPHABET = "aB0 9_-'$.@\n\té漢字ひ한\U00020000\u2e7f\u2e80"
SUBJECTS = st.text(alphabet=ALPHABET, max_size=60)
TEXTS = st.one_of(st.text(alphabet=ALPHABET, max_size=300), st.text(max_size=100))


def described(message: Message) -> Indices:
    return np.unique(np.concatenate([family.indices for family in families(message)]))


@given(SUBJECTS, TEXTS)
def test_features_are_those_that_are_described(subject: str, text: str) -> None:
    head = f"Subject: {' '.join(subject.split())}\nContent-Type: text/plain; charset=utf-8\n\n"
    message = Message((head + text).encode("utf-8", "replace"))
    assert np.array_equal(features(message), described(message))


@given(st.binary(max_size=600))
def test_whatever_the_octets(octets: bytes) -> None:
    message = Message(octets)
    assert np.array_equal(features(message), described(message))


@given(st.text(alphabet=st.characters(), max_size=80))
def test_a_string_with_halves_of_surrogates(text: str) -> None:
    points = hashing.codes(text)
    words = hashing.span_hashes(points, *hashing.word_spans(points))
    bigrams = hashing.bigram_starts(points)
    found = native.Indices(hashing.IS_WORD.astype(np.uint8))
    found.words(text, 1, 21, 7, True)
    wanted = [
        hashing.mix(hashing.pair_hashes(words), 2, 21),
        hashing.mix(hashing.bigram_hashes(points, bigrams), 3, 21),
    ]
    got = np.frombuffer(found.found(), dtype=np.uint32)
    assert {*np.concatenate(wanted).tolist()} <= {*(got - 7).tolist()}
    # Words of 1 and of more than 40 letters are paired, and are none themselves.
    assert len(got) <= len(words) + sum(map(len, wanted))


def model_of(messages: list[tuple[list[int], bool]]) -> Model:
    model = Model()
    for indices, spam in messages:
        model.learn(np.array(sorted(set(indices)), dtype=np.uint32), spam)
    return model


INDICES = st.lists(st.integers(0, FEATURES - 1), min_size=1, max_size=30)


@pytest.mark.slow
@given(st.lists(st.tuples(INDICES, st.booleans()), max_size=12), INDICES)
def test_log_odds_are_the_sum_of_the_weights(taught: list[tuple[list[int], bool]], asked: list[int]) -> None:
    model = model_of(taught)
    indices = np.array(sorted({*asked, *(taught[0][0] if taught else [])}), dtype=np.uint32)
    weights = [model._weights(part, view) for view, part in enumerate(split_views(indices))]
    assert model.log_odds(indices) == pytest.approx(sum(part.sum() for part in weights), abs=1e-9)
    assert model.shares(indices).sum() == pytest.approx(model.evidence(indices), abs=1e-9)


def test_with_what_was_learned_elsewhere() -> None:
    taught = [([5, 9, 70], True), ([5, 11, 80], False)]
    model = model_of(taught)
    learned = SparseCounts(np.array([9, 11], np.uint32), np.array([[0, 2], [3, 0]], np.float32), np.ones((3, 2)))
    indices = np.array([5, 9, 11, 70], dtype=np.uint32)
    twin = model.taught(learned, "x")
    together = model_of(taught)
    together._counts[:, learned.indices] += learned.counts
    together._mass = together._mass + learned.mass
    assert twin.log_odds(indices) == pytest.approx(together.log_odds(indices), abs=1e-12)
    assert twin.log_odds(indices) != pytest.approx(model.log_odds(indices))


def test_votes() -> None:
    weights = np.zeros(FEATURES, dtype=np.int16)
    weights[[3, 4, FEATURES - 1]] = [-32_000, -31_999, 7]
    asked = np.array([2, 3, 4, FEATURES - 1], dtype=np.uint32)
    assert native.votes(weights, asked) == -63_992
    assert Correction(weights).log_odds(asked) == -63_992 / 2048


def test_a_feature_that_no_model_has() -> None:
    counts, beyond = np.zeros((2, 10), dtype=np.float32), np.array([10], dtype=np.uint32)
    with pytest.raises(IndexError, match="no such feature"):
        native.log_odds(counts[HAM], counts[SPAM], beyond, 1.0, 1.0, 0.1)
    with pytest.raises(IndexError, match="no such feature"):
        native.votes(np.zeros(10, dtype=np.int16), beyond)


def test_classes_of_all_code_points_are_wanted() -> None:
    with pytest.raises(ValueError, match="a class is wanted"):
        native.Indices(np.zeros(100, dtype=np.uint8))
