"""5,000 real messages through a real Postfix and the real daemon: all delivered, each with a score that adds up."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tamis.message import Message
from tamis.postfix.client import SmtpSession
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import RunningTamis
from tamis.postfix.sink import Sink

pytestmark = [pytest.mark.servers, pytest.mark.corpora, pytest.mark.slow]

MESSAGES = 5000
SESSIONS = 8
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


def check(message: Message) -> None:
    """Assert what every delivered message must carry."""
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


def test_five_thousand_real_messages(corpora: Path) -> None:
    paths = real_messages(corpora)
    assert len(paths) == MESSAGES
    with (
        RunningTamis('[policy]\nmode = "tag"') as tamis,
        Sink() as sink,
        PrivatePostfix(
            tamis.milter,
            routes={"example.net": sink.transport},
            settings={"message_size_limit": "0", "header_size_limit": "1000000"},
        ) as postfix,
    ):

        def send(start: int) -> int:
            accepted = 0
            with SmtpSession(postfix.smtp_port, "203.0.113.25", "mail.sender.example", "mail.sender.example") as smtp:
                for number in range(start, MESSAGES, SESSIONS):
                    raw = marked(paths[number], number)
                    accepted += smtp.send(raw, "sender@sender.example", ["user@example.net"]).accepted
            return accepted

        started = time.monotonic()
        with ThreadPoolExecutor(SESSIONS) as pool:
            assert sum(pool.map(send, range(SESSIONS))) == MESSAGES
        assert sink.wait(MESSAGES, 120)
        print(f"{MESSAGES} messages in {time.monotonic() - started:.1f} s")
        numbers = set()
        for received in sink.messages:
            message = Message(received.content)
            numbers.add(message.header("X-Test-Number"))
            check(message)
    assert len(numbers) == MESSAGES
