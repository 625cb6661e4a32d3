"""Very many forged copies of our headers in one message, on a real Postfix, which removing them would keep busy."""

import time
from typing import Any

import pytest

from tamis import limits
from tamis.message import Message
from tamis.postfix.instance import PrivatePostfix

pytestmark = pytest.mark.servers


def flood(letters: Any, copies: int) -> bytes:
    forged = "".join(f"X-Spam-Status: No, hits=-{number}\nx-spam-flag: NO\n" for number in range(copies // 2))
    sent: bytes = letters.write(f"{forged}From: ann@sender.example\nSubject: hello\n")
    return sent


def send(postfix: PrivatePostfix, sent: bytes, *recipients: str) -> Any:
    return postfix.send(sent, "ann@sender.example", recipients)


def values(message: Message, name: str) -> list[str]:
    return [field.text.strip() for field in message.fields(name)]


def test_is_refused_at_once_and_the_client_told_why(letters: Any, filtering_postfix: PrivatePostfix) -> None:
    began = time.monotonic()
    reply = send(filtering_postfix, flood(letters, 20_000), "ann@example.org")
    assert (reply.code, reply.text[:5]) == (554, "5.7.1")
    assert "20000 header fields" in reply.text
    assert time.monotonic() - began < 5  # Removing them takes Postfix more than ten seconds.
    assert filtering_postfix.wait_queue_empty()


@pytest.mark.parametrize("recipients", [["ann@observe.example"], ["ann@example.org", "ann@observe.example"]])
def test_observing_refuses_nothing(letters: Any, filtering_postfix: PrivatePostfix, recipients: list[str]) -> None:
    sent = flood(letters, 2_000)
    assert send(filtering_postfix, sent, *recipients).accepted
    got = Message(letters.arrived(sent).content)
    found = values(got, "X-Spam-Status")
    assert "required=7.5" in found[0]  # Ours stands above the others, which stay.
    assert found[1] == "No, hits=-0"
    assert b"hits=-999" in got.raw


def test_what_postfix_can_bear_is_removed_to_the_last_copy(letters: Any, filtering_postfix: PrivatePostfix) -> None:
    sent = flood(letters, 300)
    assert 300 * sent.count(b"\n") < limits.REMOVAL_STEPS
    assert send(filtering_postfix, sent, "ann@example.org").accepted
    got = Message(letters.arrived(sent).content)
    assert len(values(got, "X-Spam-Status")) == 1
    assert values(got, "X-Spam-Flag") == []


def test_outgoing_mail_may_say_what_it_likes(letters: Any, filtering_postfix: PrivatePostfix) -> None:
    sent = flood(letters, 2_000)
    got = letters.pass_through(sent, "ann@example.org", "bob@elsewhere.example", login="ann@example.org")
    assert got.raw.endswith(sent.partition(b"From:")[2])
    assert got.raw.count(b"X-Spam-Status: No, hits=-") == 1_000
