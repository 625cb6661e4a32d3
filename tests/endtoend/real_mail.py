"""5,000 real messages for the tests, and what each of them must carry where it is delivered."""

import re
from pathlib import Path

from tamis.message import Message

MESSAGES = 5000
_STATUS = re.compile(r"(Yes|No), hits=(-?\d+\.\d) required=7\.5\s+tests=(.+)")


def real_messages(corpora: Path) -> list[Path]:
    """A third each of three corpora of different times and languages, in a fixed order."""
    found: list[Path] = []
    for name, count in (("trec07p-first20k", 2000), ("spamassassin", 1500), ("modern", 1500)):
        folder = corpora / name
        lines = (folder / "index.tsv").read_text("utf-8").splitlines()
        step = len(lines) // count
        found.extend(folder / line.split("\t")[1] for line in lines[:: step or 1][:count])
    return found


def marked(path: Path, number: int) -> bytes:
    """A message as a sender would hand it over, with a field that tells which it is."""
    raw = Message(path.read_bytes()).raw
    return f"X-Test-Number: {number}\n".encode() + raw


def check_headers(message: Message) -> None:
    """Assert that a score which adds up stands in front of it."""
    score = message.header("X-Ico-Bay")
    assert score is not None
    assert re.fullmatch(r"-?\d+\.\d{3}", score)
    assert len(message.fields("X-Ico-Bay")) == len(message.fields("X-Spam-Status")) == 1
    assert message.header("X-Error-Return-Path") == "<sender@sender.example>"
    status = re.fullmatch(_STATUS, message.header("X-Spam-Status") or "")
    assert status is not None, message.header("X-Spam-Status")
    weights = [float(test.rpartition(": ")[2]) for test in re.split(r",\s*", status.group(3))]
    assert round(sum(weights), 3) == float(score)
    assert abs(float(status.group(2)) - float(score)) <= 0.0501
    assert (status.group(1) == "Yes") == (float(score) >= 7.5)
