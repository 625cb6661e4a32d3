"""Rows 13 and 2 with a real Postfix and the real daemon: who writes to traps in bulk is refused, and taken again."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import RunningTamis
from tests.postfix.conftest import Letters

pytestmark = pytest.mark.servers

SETTINGS = """
[bans]
trap_messages = 3

[lists]
trap = ["hidden@example.org", "gone@example.org"]

[policy]
mode = "observe"

[domain."example.org"]
mode = "tag"
"""
SPAMMER, NEIGHBOUR = "203.0.113.66", "203.0.113.67"


@pytest.fixture(scope="module")
def tamis() -> Iterator[RunningTamis]:
    with RunningTamis(SETTINGS) as tamis:
        yield tamis


@pytest.fixture(scope="module")
def letters(can_run_postfix: None, tamis: RunningTamis) -> Iterator[Letters]:
    with PrivatePostfix(tamis.milter, domains=["example.org", "observe.example"]) as postfix:
        yield Letters(postfix)


def command(tamis: RunningTamis, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tamis.cli", *words, "-c", str(tamis.config)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bans(tamis: RunningTamis) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(command(tamis, "list", "bans", "--json"))
    return found


def test_a_peer_that_writes_to_traps_in_bulk(letters: Letters, tamis: RunningTamis) -> None:
    send = letters.postfix.send
    for recipients in (["hidden@example.org", "bob@example.org"],) * 4:
        assert send(letters.write(), "x@sender.example", recipients, peer=SPAMMER).accepted
    assert bans(tamis) == []
    for number in range(3):
        trap = ("hidden@example.org", "gone@example.org")[number % 2]
        assert send(letters.write(), "x@sender.example", [trap], peer=SPAMMER).accepted
    (ban,) = bans(tamis)
    assert (ban["network"], ban["by"], ban["times"]) == (SPAMMER, "automatic", 1)
    assert ban["why"] == "3 messages to traps within 60 min"
    # Every worker takes it up within a second.
    time.sleep(1.2)
    for _ in range(6):
        reply = send(letters.write(), "x@sender.example", ["bob@example.org"], peer=SPAMMER)
        assert (reply.code, reply.stage) == (450, "rcpt")
        assert reply.text.startswith("4.7.1 Try again later (banned-ip, ")
    assert send(letters.write(), "x@sender.example", ["bob@example.org"], peer=NEIGHBOUR).accepted
    got = letters.pass_through(letters.write(), "x@sender.example", "carol@observe.example", peer=SPAMMER)
    assert "BANNED_IP: 0" in (got.header("X-Spam-Status") or "")
    assert "a peer is banned for the moment" in tamis.log_text()
    assert command(tamis, "list", "unban", SPAMMER) == f"removed: automatic ban of the platform: {SPAMMER}\n"
    time.sleep(1.2)
    assert send(letters.write(), "x@sender.example", ["bob@example.org"], peer=SPAMMER).accepted
    assert bans(tamis) == []
