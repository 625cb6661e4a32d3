"""`tamis train` and `tamis evaluate`, from their arguments to what they print, write and return."""

import argparse
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.commands import add_train
from tamis.models.evaluate_command import add_evaluate
from tamis.models.features import features
from tamis.models.storage import SHIPPED_MODEL


def tamis(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    add_train(commands)
    add_evaluate(commands)
    args = parser.parse_args([str(argument) for argument in arguments])
    return int(args.run(args))


@pytest.mark.slow
def test_train_reports_and_writes(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.bin"
    assert tamis("train", index, "--start", "none", "-o", model) == 0
    out, err = capsys.readouterr()
    assert "40 ham, 40 spam" in out
    assert "ham misfiled %  spam missed %  counts alone: ham %  spam missed %" in out
    (level,) = [line.split() for line in out.splitlines() if line.startswith("  7.5 ")]
    assert [float(cell) for cell in level[:2]] == [7.5, 0.0]
    assert len(level) == 5
    assert err == ""
    weights = Model.load(model).weights
    assert "MISSING_DATE" in weights
    assert f"{len(weights)} named tests" in out


@pytest.mark.slow
def test_train_starts_from_the_shipped_model(index: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.bin"
    assert tamis("train", "--body-only", index, "-o", model) == 0
    assert Model.load(model).known > Model.load(SHIPPED_MODEL).known


@pytest.mark.slow
def test_train_on_labelled_places(tmp_path: Path, make_message) -> None:
    for spam in (False, True):
        (tmp_path / str(spam)).mkdir()
        for number in range(12):
            (tmp_path / str(spam) / str(number)).write_bytes(make_message(number, spam))
    model = tmp_path / "model.bin"
    done = tamis("train", "--ham", tmp_path / "False", "--spam", tmp_path / "True", "--start", "none", "-o", model)
    assert done == 0
    assert Model.load(model).messages.tolist() == [[12, 12]] * 3


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["online", "delayed", "score", "batch", "folds"])
def test_evaluate(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: str) -> None:
    scores = tmp_path / "out.tsv"
    options = {"batch": ["--train-index", index], "delayed": ["--delay", 5]}.get(protocol, [])
    assert tamis("evaluate", "--protocol", protocol, "--index", index, "--scores", scores, *options) == 0
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split("\t") for line in scores.read_text().splitlines()]
    assert {row[2] for row in rows} == {f"mail/{number}" for number in range(80)}
    if protocol != "folds":
        assert [row[2] for row in rows] == [f"mail/{number}" for number in range(80)]
    assert all(float(row[3]) != float(row[1]) for row in rows[20:] if protocol != "score")
    assert {row[0] for row in rows} == {"ham", "spam"}
    ham = [float(row[1]) for row in rows if row[0] == "ham"]
    spam = [float(row[1]) for row in rows if row[0] == "spam"]
    area = sum((s > h) + 0.5 * (s == h) for h in ham for s in spam) / (len(ham) * len(spam))
    assert printed[:2] == ["n_ham 40 n_spam 40", f"1-ROCA% {100 * (1 - area):.4f}"]
    assert printed[-2].startswith("threshold 7.5 hm% ")
    assert printed[-1].startswith("counts alone:  1-ROCA% ")
    assert re.findall(r"sm@hm=\S+|threshold \S+", printed[-1]) == re.findall(
        r"sm@hm=\S+|threshold \S+", " ".join(printed[:-1])
    )
    if protocol == "batch":
        assert area == 1.0


@pytest.mark.slow
def test_evaluate_across_groups_with_plots(
    index: Path, tmp_path: Path, make_message, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each group is scored by what the others teach; what was read before is left out, in whatever group."""
    for name, first in (("a", 300), ("b", 400)):
        for label, spam in (("ham", False), ("spam", True)):
            folder = tmp_path / name / label
            folder.mkdir(parents=True)
            for number in range(first, first + 40):
                (folder / str(number)).write_bytes(make_message(number, spam))
    plot = tmp_path / "plot.svg"
    groups = ["--index", index, "--index", tmp_path / "a", tmp_path / "b"]
    assert tamis("evaluate", "--protocol", "cross", *groups, "--body-only", "--unique", "--plot", plot) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "0 repeated texts left out"
    assert [line for line in printed if "n_ham" in line] == ["n_ham 40 n_spam 40", "n_ham 80 n_spam 80"]
    assert f"{tmp_path}/a + {tmp_path}/b" in printed
    drawn = ElementTree.fromstring(plot.read_text())
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == 4
    assert tamis("evaluate", "--protocol", "folds", "--folds", 4, "--index", index, index, "--unique") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["80 repeated texts left out", "n_ham 40 n_spam 40"]


@pytest.mark.slow
def test_evaluate_from_a_start(index: Path, tmp_path: Path, make_message, capsys: pytest.CaptureFixture[str]) -> None:
    """What a model knows already counts from the first message on; the file stays as it is."""
    model, path = Model(), tmp_path / "start.bin"
    for number in range(500, 530):
        for spam in (False, True):
            model.learn(features(Message(make_message(number, spam))), spam)
    model.save(path)
    content = path.read_bytes()
    assert tamis("evaluate", "--protocol", "delayed", "--delay", 100, "--index", index, "--start", path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["one_minus_roc_area"] == 0.0
    assert path.read_bytes() == content
    assert tamis("evaluate", "--protocol", "delayed", "--delay", 100, "--index", index, "--json") == 0
    assert json.loads(capsys.readouterr().out)["one_minus_roc_area"] == 0.5, "nothing was learned yet"
    assert tamis("evaluate", "--protocol", "score", "--index", index, "--start", path) == 2
    assert "--start is for the protocols online and delayed" in capsys.readouterr().err


def test_evaluate_json(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tamis("evaluate", "--protocol", "online", "--index", index, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["protocol"] == "online"
    assert found["ham"] == found["spam"] == 40
    assert 0 <= found["one_minus_roc_area"] < 0.2


@pytest.mark.slow
def test_evaluate_uses_the_sites_model(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, site = tmp_path / "tamis.toml", tmp_path / "model.bin"
    config.write_text(f'[classifier]\nmodel = "{site}"\n')
    Model().save(site)
    assert tamis("evaluate", "--protocol", "score", "--index", index, "-c", config) == 0
    assert "1-ROCA% 50.0000" in capsys.readouterr().out, "an empty model knows nothing"


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "-o", "{tmp}/m"],
        ["train", "{tmp}/nowhere", "-o", "{tmp}/m"],
        ["train", "{index}", "-o", "{tmp}/no/such/m"],
        ["train", "{index}", "--start", "{index}", "-o", "{tmp}/m"],
        ["evaluate", "--protocol", "batch", "--index", "{index}"],
        ["evaluate", "--protocol", "online", "--index", "{index}", "--model", "{tmp}/m"],
        ["evaluate", "--protocol", "score", "--index", "{index}", "--model", "{tmp}/m"],
        ["evaluate", "--protocol", "score", "--index", "{bad}"],
        ["evaluate", "--protocol", "cross", "--index", "{index}"],
        ["evaluate", "--protocol", "online", "--index", "{index}", "--index", "{index}"],
        ["evaluate", "--protocol", "online", "--index", "{index}", "--unique"],
        ["evaluate", "--protocol", "folds", "--index", "{index}", "--folds", "1"],
        ["evaluate", "--protocol", "score", "--index", "{one}"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str], index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, one = tmp_path / "bad.tsv", tmp_path / "one.tsv"
    bad.write_text("neither\n")
    one.write_text("ham\tmail/0\n")
    filled = [argument.format(tmp=tmp_path, index=index, bad=bad, one=one) for argument in arguments]
    assert tamis(*filled) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tamis: ")
    assert err.count("\n") == 1
