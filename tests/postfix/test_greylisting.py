"""Row 3 with a real Postfix, the real daemon and its private Redis: a first try waits, the next one passes."""

import time
from collections.abc import Iterator

import pytest

from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import RunningTamis
from tests.postfix.conftest import Letters

pytestmark = pytest.mark.servers

DELAY = 2.0
SETTINGS = f"""
[policy]
mode = "tag"

[domain."grey.example".filters.greylisting]
enabled = true
delay_minutes = {DELAY / 60}

[domain."observe.example"]
mode = "observe"
[domain."observe.example".filters.greylisting]
enabled = true
delay_minutes = {DELAY / 60}
"""


@pytest.fixture(scope="module")
def letters(can_run_postfix: None) -> Iterator[Letters]:
    domains = ["grey.example", "plain.example", "observe.example"]
    with RunningTamis(SETTINGS) as tamis, PrivatePostfix(tamis.milter, domains=domains) as postfix:
        yield Letters(postfix)


def test_first_later_and_then_at_once(letters: Letters) -> None:
    send, started = letters.postfix.send, time.monotonic()
    first = send(letters.write(), "list-1@sender.example", ["bob@grey.example"], peer="203.0.113.25")
    assert (first.code, first.stage) == (450, "rcpt")
    assert first.text.startswith("4.7.1 Try again later (greylisting, ")
    assert send(letters.write(), "list-1@sender.example", ["bob@grey.example"], peer="203.0.113.25").code == 450
    time.sleep(max(0.0, started + DELAY + 0.2 - time.monotonic()))
    for peer, sender in (("203.0.113.99", "list-1@sender.example"), ("203.0.113.25", "list-2@sender.example")):
        letter = letters.write()
        assert send(letter, sender, ["bob@grey.example"], peer=peer).accepted
        letters.arrived(letter)
    assert send(letters.write(), "list-1@sender.example", ["new@grey.example"]).code == 450


def test_it_is_each_recipients_own_policy(letters: Letters) -> None:
    """In one message the recipients of other domains get theirs, and those who wait get it at the next try."""
    send, people = letters.postfix.send, ["ann@plain.example", "bob@grey.example", "carol@grey.example"]
    reply = send(letters.write(), "ann@other.example", people, peer="198.51.100.9")
    assert reply.accepted
    assert {recipient: code for recipient, (code, _) in reply.refused.items()} == dict.fromkeys(people[1:], 450)
    time.sleep(DELAY + 0.2)
    again = send(letters.write(), "ann@other.example", people[1:], peer="198.51.100.9")
    assert (again.accepted, again.refused) == (True, {})


def test_in_mode_observe_it_is_only_printed(letters: Letters) -> None:
    got = letters.pass_through(letters.write(), "ann@other.example", "carol@observe.example")
    assert "GREYLISTED: 0" in (got.header("X-Spam-Status") or "")
    time.sleep(DELAY + 0.2)
    got = letters.pass_through(letters.write(), "ann@other.example", "carol@observe.example")
    assert "GREYLISTED" not in (got.header("X-Spam-Status") or "")
