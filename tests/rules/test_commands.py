"""`tamis rules check|test|list`: mistakes at their character, hits by place, rates over folders."""

import io
import json
import sys
from pathlib import Path

import pytest

from tamis.cli import main

pytestmark = pytest.mark.slow

RULES = r"""
language = "en"

[rule.pills]
description = "pills"
patterns = ['\bviagra\b']
decides = true

[rule.cheap]
description = "a price"
where = ["subject"]
patterns = ['cheap']
score = 1.5

[rule.both]
description = "both"
use = "logic"
expression = "pills and cheap and not en-pharmacy-words"
score = 1.0
"""
SPAM = "From: a@x.example\nSubject: cheap\n\nV I A G R A now\n"
HAM = "From: a@x.example\nSubject: cheap tickets\n\nto the sea\n"


@pytest.fixture
def rules(tmp_path: Path) -> str:
    file = tmp_path / "rules.toml"
    file.write_text(RULES, "utf-8")
    return str(file)


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    for label, text in (("spam", SPAM), ("ham", HAM)):
        (tmp_path / label).mkdir()
        for number in range(2):
            (tmp_path / label / f"{number}.eml").write_text(text)
    return tmp_path


def test_check(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", rules]) == 0
    assert capsys.readouterr().out == f"{rules}: valid, 3 rules\n"


def test_check_says_which_rule_runs_over_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[rule.x]\ndescription = 'x'\npatterns = ['[0-9]{5}']\nscore = 1\n")
    assert main(["rules", "check", str(file)]) == 0
    assert capsys.readouterr().err == "note: rule x: a pattern of it needs no word, so it runs over every message\n"


def test_check_points_at_the_wrong_character(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULES.replace("cheap']", "cheap(?=er)']").replace("pills and", "pils and"), "utf-8")
    assert main(["rules", "check", str(file)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{file}:12:19: rule.cheap.patterns[0]: (?=: looking ahead or behind cannot be done in linear time; "
        "combine two rules instead",
        "    patterns = ['cheap(?=er)']",
        "                      ^",
        f"{file}:18:15: rule.both.expression: there is no rule 'pils'",
        '    expression = "pils and cheap and not en-pharmacy-words"',
        "                  ^",
    ]


def test_hits_of_messages(rules: str, mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spam, ham = str(mail / "spam" / "0.eml"), str(mail / "ham" / "0.eml")
    assert main(["rules", "test", rules, spam, ham]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{spam}: ",
        "  pills, text: 'viagra'  (keyword, decides)",
        "  both: pills, cheap  (logic, +1 points)",
        "  cheap, subject: 'cheap'  (keyword, +1.5 points)",
        f"{ham}: ",
        "  cheap, subject: 'cheap'  (keyword, +1.5 points)",
    ]


def test_hits_as_json(
    rules: str, mail: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SPAM.encode())))
    assert main(["rules", "test", "--json", rules, "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == "-"
    assert found["hits"][0] == {
        "rule": "pills", "use": "keyword", "place": "text", "words": "viagra", "decides": True, "score": 0.0
    }  # fmt: skip


def test_shipped_rules_too(rules: str, mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", "--shipped", "--json", rules, str(mail / "spam" / "0.eml")]) == 0
    assert "en-pill-viagra" in capsys.readouterr().out


def test_rates_over_folders(rules: str, mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--ham", str(mail / "ham"), "--spam", str(mail / "spam")]
    assert main(["rules", "test", rules, *folders]) == 0
    first, _, *lines = capsys.readouterr().out.splitlines()
    assert first == "2 ham, 2 spam"
    assert [line.split() for line in lines] == [
        ["both", "0", "0.000", "%", "2", "100.000", "%"],
        ["cheap", "2", "100.000", "%", "2", "100.000", "%"],
        ["pills", "0", "0.000", "%", "2", "100.000", "%"],
    ]
    assert main(["rules", "test", "--json", rules, *folders]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["messages"] == {"ham": 2, "spam": 2}
    assert found["rules"]["cheap"] == {"ham": 2, "spam": 2}


def test_bad_input(rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        ([rules], "name a message"),
        ([rules, str(tmp_path / "none.eml")], "no such file"),
        ([str(tmp_path / "none.toml"), "x"], "No such file"),
    ):
        assert main(["rules", "test", *arguments]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert len(error.splitlines()) == 1
    assert main(["rules", "check", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: No such file" in capsys.readouterr().err


def test_list(rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "tamis.toml"
    config.write_text(f'[daemon]\nstate_directory = "{tmp_path}"\n[rules]\nfiles = ["{rules}"]\n')
    assert main(["rules", "list", "-c", str(config)]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["pills"].split()[1:5] == ["keyword", "en", "decides", "pills"]
    assert "en-pills" in lines
    assert main(["rules", "list", "-c", str(config), "--json"]) == 0
    assert {"name": "cheap", "description": "a price", "where": ["subject"], "patterns": ["cheap"], "score": 1.5,
            "language": "en"} in json.loads(capsys.readouterr().out)  # fmt: skip
    (tmp_path / "rules.toml").write_text("[rule.x]\n")
    assert main(["rules", "list", "-c", str(config)]) == 2


def test_the_other_commands_know_the_rules_of_the_site(
    rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "tamis.toml"
    config.write_text(f'[daemon]\nstate_directory = "{tmp_path}"\n[rules]\nfiles = ["{rules}"]\n')
    assert main(["tests", "-c", str(config), "--json"]) == 0
    found = {test["name"]: test for test in json.loads(capsys.readouterr().out)}
    assert found["RULE_CHEAP"] == {
        "name": "RULE_CHEAP", "row": "19", "filter": "keywords", "weight": 1.5, "meaning": "a price"
    }  # fmt: skip
    assert found["RULE_BOTH"]["row"] == "20"
    Path(rules).write_text("[rule.x]\ndescription = 'x'\npatterns = ['(']\nscore = 1\n")
    assert main(["check-config", str(config)]) == 2
    assert f"{rules}:3:14: rule.x.patterns[0]: a ( is never closed" in capsys.readouterr().err
