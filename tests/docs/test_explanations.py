"""The samples of docs/explanations.md are what Tamis says of the messages of the demo today."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tamis.cli import main
from tamis.filters.order import BY_NAME, Judgement
from tamis.letters.reasons import REASONS
from tests.docs.explanations import ADVICE

DEMO = Path(__file__).parents[2] / "demo"
MESSAGES = {one["file"]: one for one in tomllib.loads((DEMO / "messages/index.toml").read_text("utf-8"))["message"]}
SAMPLES = [name for name, advice in ADVICE.items() if advice.sample]


def test_every_row_that_can_hold_mail_is_explained() -> None:
    holding = {name for name, row in BY_NAME.items() if row.judgement in (Judgement.SPAM, Judgement.MALWARE)}
    assert set(ADVICE) == set(REASONS) == holding


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_is_what_is_said(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """But for numbers, which change with the model."""
    entry = MESSAGES[ADVICE[name].sample]
    said = ["--peer", entry["peer"], "--rdns", entry["name"], "--helo", entry["helo"], "--sender", entry["sender"]]
    command = ["scan", str(DEMO / "messages" / entry["file"]), "--json", "-c", str(DEMO / "tamis.toml"), *said]
    main([*command, "--rcpt", entry["recipients"][0]])
    verdict = json.loads(capsys.readouterr().out)["verdicts"][0]
    assert (verdict["name"], _without_numbers(verdict["because"])) == (name, _without_numbers(ADVICE[name].because))


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", text)
