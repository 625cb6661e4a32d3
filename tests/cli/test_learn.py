"""`tamis learn`: from files to the score of the next message, and back."""

import io
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tamis.cli import main
from tamis.config import load
from tamis.learning import corrected
from tamis.learning.journal import Journal
from tamis.learning.rebuilding import job_of, rebuild
from tamis.learning.tasks import LearnedTask
from tamis.models.bayes import Model
from tamis.models.storage import SHIPPED_MODEL
from tests.cli.test_complaints import Site

LETTER = b"From: ann@sender.example\nSubject: yellow submarines\n\nwe all live in a yellow submarine, buy yours today\n"


class Learner(Site):
    """Runs `tamis learn`, and the keeper's task after it."""

    def run(self, command: str, *arguments: str) -> tuple[int, str, str]:
        status = main([*command.split(), *arguments, "-c", str(self.folder / "tamis.toml")])
        out, err = self._capsys.readouterr()
        return status, out, err

    def letter(self, name: str = "letter.eml") -> str:
        return self.file(name, LETTER)

    def publish(self) -> None:
        config = load(self.folder / "tamis.toml")
        LearnedTask(config, Journal(config.database_url)).run()

    def score(self) -> float:
        """The classifier's evidence, as `tamis scan` has it."""
        said: Any = self.read("scan --no-network", self.letter())
        return float(dict(said["verdicts"][0]["tests"])["BAYES"])


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Learner:
    return Learner(tmp_path, capsys)


@pytest.mark.slow
def test_learned_moved_and_undone(site: Learner) -> None:
    before = site.score()
    said = site.good("learn --spam", site.letter()).split()
    assert said[2:] == ["->", said[3], "learned", "as", "spam"]
    assert float(said[3].rstrip(",")) > float(said[1])
    site.publish()
    assert site.score() == pytest.approx(float(said[3].rstrip(",")), abs=0.002), "as it was said"
    assert "already learned as spam" in site.good("learn --spam", site.letter())
    assert "moved from spam to ham" in site.good("learn --ham", site.letter())
    site.publish()
    assert site.score() < before
    assert site.good("learn --undo --since 1h").startswith("undone: 2 learned since ")
    site.publish()
    assert site.score() == before


def test_what_serves_is_said(site: Learner) -> None:
    said = site.good("learn --status")
    assert "stale" not in said, "nothing was learned"
    site.good("learn --spam", site.letter())
    lines = site.good("learn --status").splitlines()
    assert [" stale, " in line for line in lines[1:]] == [False, True, True]
    site.publish()
    lines = site.good("learn --status").splitlines()
    assert [" stale, " in line for line in lines[1:]] == [False, False, True]
    config = load(site.folder / "tamis.toml")
    corrected.write(corrected.corrected_path(config), *rebuild(job_of(config, datetime.now(UTC).date())))
    found = site.read("learn --status")
    assert (found["rows"], found["counts_stale"], found["second_layer_stale"]) == (1, False, False)
    assert "the model's own" in site.good("learn --status"), "one message is too few"


def test_folders_and_standard_input(site: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site.folder / "Maildir"
    for place in ("cur", "new", "tmp"):
        (folder / place).mkdir(parents=True)
    for number in range(3):
        (folder / "cur" / f"{number}:2,S").write_bytes(LETTER + b"%c\n" % (97 + number))
    said = site.good("learn --spam", str(folder)).splitlines()
    assert len(said) == 4
    assert said[-1] == "3 learned"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LETTER)))
    assert site.good("learn --ham --by bob@example.org", "-").startswith("-: ")
    shown = site.read("learn --show")
    assert [(one["by"], one["source"], one["domain"], one["ham"], one["spam"]) for one in shown] == [
        ("bob@example.org", "recipient", "example.org", 1, 0),
        (shown[1]["by"], "administrator", "", 0, 3),
    ]
    table = site.good("learn --show --domain example.org").splitlines()
    assert table[1].split()[:5] == ["bob@example.org", "recipient", "example.org", "1", "0"]
    assert site.good("learn --undo --by Bob@Example.org") == "undone: 1 learned by bob@example.org\n"


def test_for_one_domain(site: Learner) -> None:
    site.good("learn --spam --domain Example.ORG --by root", site.letter())
    assert [(one["by"], one["source"], one["domain"]) for one in site.read("learn --show")] == [
        ("root", "administrator", "example.org")
    ]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("learn --spam nowhere", "nowhere: no such file or folder"),
        ("learn --spam --domain example.org --by bob@example.org", "a mailbox speaks for its own domain"),
        ("learn --spam --domain a..b", "a..b"),
        ("learn --spam --since 7d", "--since is for --undo"),
        ("learn --undo", "say whose words are to be undone"),
        ("learn --undo --by nobody", "nothing was learned by nobody"),
        ("learn --undo --since yesterday", "neither a span"),
        ("learn --undo --by root --domain example.org", "and nothing else"),
        ("learn --show --since 7d", "--show takes no files"),
        ("learn --status --by root", "--status takes nothing"),
        ("learn --spam --by root --model m", "a model file does not know who taught it"),
    ],
)
def test_bad_input_is_one_line(site: Learner, command: str, why: str) -> None:
    assert why in site.bad(command)
    assert not (site.folder / "tamis.db").exists()


def test_a_corpus_is_not_for_the_journal(site: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.limits.LEARNED_MESSAGES", 1)
    assert "tamis train" in site.bad("learn --spam", site.letter("a"), site.letter("b"))


@pytest.mark.slow
def test_into_a_model_file(site: Learner) -> None:
    model = str(site.folder / "model.bin")
    name, before, _, after = site.good("learn --spam --model", model, site.letter()).split()
    assert name.endswith("letter.eml:")
    assert float(after) > float(before)
    learned, shipped = Model.load(model).messages, Model.load(SHIPPED_MODEL).messages
    assert (learned - shipped).tolist() == [[0, 1]] * 3
    assert not (site.folder / "tamis.db").exists()


@pytest.mark.slow
@pytest.mark.skipif("os.geteuid() != 0", reason="only root can write for another")
def test_what_root_learns_into_a_file_belongs_to_the_owner_of_the_folder(site: Learner) -> None:
    folder = site.folder / "models"
    folder.mkdir()
    shutil.chown(folder, "nobody")
    for _ in range(2):
        site.good("learn --spam --model", str(folder / "model.bin"), site.letter())
        assert {file.owner() for file in folder.iterdir()} == {"nobody"}
