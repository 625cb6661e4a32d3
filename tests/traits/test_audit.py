"""The audit finds each thing that may be wrong with the tests, and nothing wrong with those that are shipped."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis.cli import main
from tamis.models.corpus import entries_of
from tamis.models.trait_audit import complaints, evidence_of
from tamis.models.trait_hits import Hits, hits_of
from tamis.traits import TRAITS
from tamis.traits.family import Measure, Trait
from tamis.traits.weights import learned

MESSAGES = 1000


def _found(rows: dict[str, NDArray[np.bool_]], measure: str = "") -> list[str]:
    """Return what is wrong with so many sound tests, and some whose hits are given."""
    random = np.random.default_rng(7)
    sound = {f"SOUND_{number}": random.random(MESSAGES) < 0.3 for number in range(500)} | rows
    tests = {name: Trait(name, "", "", measure if name in rows and measure else name) for name in sound}
    return list(complaints(tests, evidence_of(list(sound), np.column_stack(list(sound.values())))))


def _first(number: int) -> NDArray[np.bool_]:
    return np.arange(MESSAGES) < number


def test_sound_tests() -> None:
    assert _found({"A": _first(20), "B": _first(949)}) == []


def test_too_rare_and_too_common() -> None:
    assert _found({"A": _first(19)}) == ["A hits 19 of 1000 messages, fewer than 20"]
    assert _found({"A": _first(950)}) == ["A hits 950 of 1000 messages, 95 % or more"]


def test_alike() -> None:
    assert _found({"A": _first(100), "B": _first(95)}) == []
    assert _found({"A": _first(100), "B": _first(96)}) == ["A and B agree: Jaccard index 0.960"]


def test_variants_of_one_measure() -> None:
    rows = {f"A{number}": _first(30 * (1 + number)) & ~_first(30 * number) for number in range(11)}
    assert _found(rows, "A") == ["11 tests are variants of A, more than 10"]
    del rows["A0"]
    assert _found(rows, "A") == []


def test_too_few() -> None:
    assert list(complaints({}, evidence_of([], np.zeros((5, 0), dtype=np.bool_)))) == ["there are 0 tests, not 500"]


def test_the_shipped_tests_stand_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tests", "--audit"]) == 0
    assert capsys.readouterr().out.endswith("no complaints\n")
    assert main(["tests", "--count"]) == 0
    assert int(capsys.readouterr().out) == len(TRAITS) >= 500


def test_mail_that_hits_nothing_fails_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.tsv").write_text("ham\ta.eml\nspam\ta.eml\n")
    (tmp_path / "a.eml").write_bytes(b"Subject: x\n\nx\n")
    assert main(["tests", "--audit", "--json", "--corpus", str(tmp_path)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["messages"] == 2
    assert len(said["complaints"]) >= len(TRAITS)


def test_the_list_has_each_test_with_weight_and_hits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tests", "--json"]) == 0
    listed = {test["name"]: test for test in json.loads(capsys.readouterr().out)}
    assert listed.keys() >= TRAITS.keys() | {"BAYES", "MISSING_DATE", "DKIM_PASS"}
    for name, known in learned().tests.items():
        assert (listed[name]["weight"], listed[name]["ham"], listed[name]["spam"]) == (
            known.weight,
            known.ham,
            known.spam,
        )
        assert listed[name]["meaning"]


def test_pieces_of_a_measure() -> None:
    assert dict(Measure("X", "so many", (1, 2, 5)).tests()) == {
        "X_1": "so many: 1",
        "X_2_4": "so many: 2 to 4",
        "X_5_UP": "so many: 5 or more",
    }


def test_what_was_measured_is_kept(tmp_path: Path) -> None:
    matrix = np.array([[True, False, True], [False, False, True]])
    tokens = [np.array([1, 2], dtype=np.uint32), np.array([], dtype=np.uint32)]
    Hits(("A", "B", "C"), matrix, np.array([True, False]), tokens).save(tmp_path / "x.npz")
    again = Hits.load(tmp_path / "x.npz")
    assert again.names == ("A", "B", "C")
    assert (again.matrix == matrix).all()
    assert [list(found) for found in again.tokens] == [[1, 2], []]
    assert again.only(["C", "A"]).matrix.tolist() == [[True, True], [True, False]]


@pytest.mark.corpora
@pytest.mark.slow
def test_the_corpora_bear_out_the_audit(corpora: Path) -> None:
    """On one message in thirteen of the large corpora and one in five of the others: a test may hit so many fewer."""
    sources = {"trec07p-first20k": 13, "ccert-zh": 13, "spamassassin": 5, "enron-raw-ham": 5, "modern": 5}
    entries = [entry for name, every in sources.items() for entry in entries_of(corpora / name)[::every]]
    hits = hits_of(entries, tuple(TRAITS))
    evidence = evidence_of(hits.names, hits.matrix)
    wrong = [line for line in complaints(TRAITS, evidence) if "fewer than" not in line]
    assert wrong == []
    shipped = learned()
    rate = len(entries) / (sum(shipped.ham.values()) + sum(shipped.spam.values()))
    silent = [
        name for name, test in shipped.tests.items() if not evidence.hits[name] and rate * (test.ham + test.spam) > 12
    ]
    assert silent == []
