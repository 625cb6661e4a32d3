"""Measurements of the classifier print both layers, and the counts alone."""

import re
from pathlib import Path

import pytest

from benchmarks import delayed, lessons, recent
from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.evaluation import Scored
from tamis.models.features import features
from tamis.models.storage import SHIPPED_MODEL

PILLS = (
    "From: Ann <ann@example.net>\nTo: bob@example.org\nSubject: cheap viagra cialis\nMIME-Version: 1.0\n"
    "Content-Type: text/html\n\n<p>Buy viagra, cialis and valium. No prescription. "
    "<a href='http://pills.example.info/order'>Order now</a></p>\n"
)
LUNCH = "From: ann@example.net\nTo: bob@example.org\nSubject: lunch\n\nAt one?\n"


def test_delayed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Both layers have every pair in the right order, the counts alone have none."""
    monkeypatch.setattr(delayed, "DELAY", 2)
    found = [Scored(spam, float(spam), str(number), -float(spam)) for number, spam in enumerate([False, True] * 3)]
    found.append(Scored(True, -2.0, "worst", 2.0))
    delayed.report("site", found)
    titles = [line for line in capsys.readouterr().out.splitlines() if "1-ROCA" in line]
    assert titles == [
        "site, both layers: 1-ROCA 25.0000 %, of the messages after the first 2 33.3333 %",
        "site, counts alone: 1-ROCA 75.0000 %, of the messages after the first 2 66.6667 %",
    ]


def test_lessons() -> None:
    found = [Scored(False, 0.0, "ham", 9.0), Scored(True, 9.0, "spam", 0.0)]
    assert re.search(r"site +1-ROCA 0.000 %.* ham 0.000 %, spam missed 0.0 %", lessons.line("site", found))
    alone = lessons.line("site", found, counts=True)
    assert re.search(r"site, first layer alone +1-ROCA 100.000 %.* ham 100.000 %, spam missed 100.0 %", alone)


def test_the_model_of_the_counts_alone(tmp_path: Path) -> None:
    whole, alone = Model.load(SHIPPED_MODEL), Model.load(recent.counts_alone(SHIPPED_MODEL, tmp_path))
    indices = features(Message(PILLS.encode()))
    assert whole.score(indices) > alone.score(indices) == alone.score_of_counts(indices)
    assert alone.score(indices) == whole.score_of_counts(indices)


@pytest.mark.slow
def test_recent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for corpus, messages in (
        ("modern", {"phishing_pot/pills": ("spam", PILLS), "other/pills": ("spam", PILLS)}),
        ("bounces", {"lunch": ("ham", LUNCH)}),
    ):
        for name, (_, text) in messages.items():
            (tmp_path / corpus / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / corpus / name).write_text(text)
        index = "".join(f"{label}\t{name}\n" for name, (label, _) in messages.items())
        (tmp_path / corpus / "index.tsv").write_text(index)
    monkeypatch.setenv("TAMIS_CORPORA", str(tmp_path))
    monkeypatch.setattr(recent, "RECENT", recent.RECENT[2:])
    assert recent.main([]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[2] == "| modern/phishing_pot | spam missed | 1 | both | " + " | ".join(["0 (0.00 %)"] * 4) + " |"
    assert table[3].startswith("| modern/phishing_pot | spam missed | 1 | counts alone | 1 (100.00 %) |")
    assert table[4:6] == [
        f"| bounces | ham misfiled | 1 | {layers} | " + " | ".join(["0 (0.00 %)"] * 4) + " |"
        for layers in ("both", "counts alone")
    ]
    assert [line.split(" | ")[:4] for line in table[6:]] == [
        ["| all but bounces", "spam missed", "1", "both"],
        ["| all but bounces", "spam missed", "1", "counts alone"],
    ]
