"""Which mail is filtered (SPEC, section 0), each class on a real Postfix with the real daemon."""

from typing import Any

import pytest

from tamis.message import Message
from tamis.postfix.instance import PrivatePostfix
from tamis.settings import Headers

pytestmark = pytest.mark.servers

FORGED = (
    "From: ann@example.org\nX-Ico-Bay: -50.000\nX-Spam-Status: No, hits=-50.0 required=7.5\n"
    "X-Tamis-Verdict: ham; action=deliver\nSubject: forged\n"
)
RELAY = "198.51.100.1"


def ours(message: Message) -> dict[str, list[str]]:
    """Every header of SPEC, section 4, that a message has."""
    names = [*Headers().names().values(), "X-Spam-Flag"]
    return {name: [field.text.strip() for field in message.fields(name)] for name in names if message.fields(name)}


def below_the_trace(message: Message) -> bytes:
    """A message without the Received: that the private Postfix put on top."""
    assert message.headers[0].name.lower() == b"received"
    return message.raw.partition(b"\nFrom:")[2]


def test_inbound_mail_gets_the_headers_and_loses_forged_ones(letters: Any) -> None:
    got = letters.pass_through(
        letters.write(FORGED),
        "x@sender.example",
        "Ann@example.org",
        peer="192.0.2.10",
        name="a.example",
        helo="b.example",
    )
    found = ours(got)
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(found, 1)
    assert "-50" not in found["X-Ico-Bay"][0] + found["X-Spam-Status"][0]
    assert found["X-Error-Return-Path"] == ["<x@sender.example>"]
    assert found["X-HELO-In-Domain"] == ["b.example"]
    assert found["X-ORG-IN-IP-Address"] == ["192.0.2.10"]
    assert found["X-RCPT-TO"] == ["<Ann@example.org>"]
    assert found["X-Icodia-SpamFilter-WL"] == ["Whitelisted Peer IP"]
    assert "row=4 whitelisted-ip" in found["X-Tamis-Verdict"][0]


def test_the_headers_stand_above_the_message(letters: Any) -> None:
    got = letters.pass_through(letters.write(), "x@sender.example", "ann@example.org")
    names = [field.name.decode() for field in got.headers]
    assert names[: names.index("Received")] == list(ours(got))


@pytest.mark.parametrize("way", ["logged in", "own network", "sendmail"])
def test_outgoing_mail_is_left_alone_forged_headers_included(
    letters: Any, filtering_postfix: PrivatePostfix, way: str
) -> None:
    sent = letters.write(FORGED)
    if way == "sendmail":
        filtering_postfix.sendmail(sent, "ann@example.org", ["bob@elsewhere.example"])
        got = Message(letters.arrived(sent).content)
    else:
        peer = {"login": "ann@example.org"} if way == "logged in" else {"peer": "10.20.0.5"}
        got = letters.pass_through(sent, "ann@example.org", "bob@elsewhere.example", **peer)
    assert ours(got) == ours(Message(sent))
    if way != "sendmail":
        assert below_the_trace(got) == Message(sent).raw.removeprefix(b"From:")


def test_loopback_is_nobody_special(letters: Any) -> None:
    got = letters.pass_through(letters.write(), "x@sender.example", "ann@example.org", peer=None)
    assert ours(got)["X-ORG-IN-IP-Address"] == ["127.0.0.1"]


def test_own_mail_is_never_filtered(letters: Any, filtering_postfix: PrivatePostfix) -> None:
    sent = letters.write(FORGED)
    assert filtering_postfix.send_own(sent, "", ["ann@example.org"]).accepted
    got = Message(letters.arrived(sent).content)
    assert below_the_trace(got) == Message(sent).raw.removeprefix(b"From:")


def test_behind_a_trusted_relay_the_first_untrusted_hop_is_the_peer(letters: Any) -> None:
    received = (
        f"Received: from backup.example.org (backup.example.org [{RELAY}])\n\tby gate.example.org; "
        "Tue, 14 Oct 2025 09:12:01 +0200\n"
        "Received: from liar.example (really.example [203.0.113.66])\n\tby backup.example.org; "
        "Tue, 14 Oct 2025 09:12:00 +0200\n"
        "Received: from forged.example (forged.example [192.0.2.10])\n\tby liar.example; "
        "Tue, 14 Oct 2025 09:11:00 +0200\n"
    )
    sent = letters.write(f"{received}From: ann@sender.example\nSubject: relayed\n")
    found = ours(letters.pass_through(sent, "x@sender.example", "ann@example.org", peer=RELAY))
    assert found["X-ORG-IN-IP-Address"] == ["203.0.113.66"]
    assert found["X-HELO-In-Domain"] == ["liar.example"]
    assert "row=8 blacklisted-ip" in found["X-Tamis-Verdict"][0]


def test_behind_a_trusted_relay_an_unreadable_trace_makes_row_4_abstain(letters: Any) -> None:
    sent = letters.write("Received: by a machine that says nothing\nFrom: ann@sender.example\nSubject: relayed\n")
    found = ours(letters.pass_through(sent, "x@sender.example", "ann@example.org", peer=RELAY))
    assert "X-ORG-IN-IP-Address" not in found
    assert "X-Icodia-SpamFilter-WL" not in found
    assert "whitelisted-ip" not in found["X-Tamis-Verdict"][0]


def test_a_message_without_an_author_reaches_the_milter_without_one(letters: Any) -> None:
    got = letters.pass_through(letters.write("Subject: nobody wrote this\n"), "x@sender.example", "ann@example.org")
    assert got.fields("from") == []
    assert "MISSING_FROM" in ours(got)["X-Spam-Status"][0]
