"""The private Postfix: what goes in comes out, and nothing of it stays behind."""

import os
import time
import uuid

import pytest

from tamis.postfix import instance
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix
from tamis.postfix.sink import Sink

pytestmark = pytest.mark.servers


def message(text: str = "hello\n") -> bytes:
    return f"From: ann@sender.example\nSubject: {uuid.uuid4().hex}\n\n{text}".encode()


def arrived(postfix: PrivatePostfix, address: str, sent: bytes) -> bytes:
    """Wait for a message of `message` at an address and return it as delivered."""
    subject = sent.split(b"Subject: ")[1].split(b"\n")[0]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for delivered in postfix.deliveries(address):
            if subject in delivered:
                return delivered
        time.sleep(0.02)
    raise AssertionError(f"nothing arrived at {address}:\n{postfix.log_text()[-2000:]}")


def test_peer_name_and_helo_are_those_of_xclient(plain_postfix: PrivatePostfix) -> None:
    sent = message("a line\n.a dot\n")
    reply = plain_postfix.send(
        sent, "ann@sender.example", ["eve@example.org"], peer="192.0.2.7", name="a.example", helo="b.example"
    )
    delivered = arrived(plain_postfix, "eve@example.org", sent)
    assert reply.accepted
    assert reply.queue_id in plain_postfix.log_text()
    assert b"from b.example (a.example [192.0.2.7])" in delivered
    assert delivered.endswith(b"a line\n.a dot\n")


def test_ipv6_peer_without_reverse_dns(plain_postfix: PrivatePostfix) -> None:
    sent = message()
    assert plain_postfix.send(sent, "", ["six@example.org"], peer="2001:db8::7", name=None).accepted
    assert b"(unknown [IPv6:2001:db8::7])" in arrived(plain_postfix, "six@example.org", sent)


def test_strangers_cannot_relay_but_people_who_logged_in_can(plain_postfix: PrivatePostfix) -> None:
    sent = message()
    refused = plain_postfix.send(sent, "ann@sender.example", ["out@elsewhere.example"])
    assert (refused.accepted, refused.stage, refused.code) == (False, "rcpt", 554)
    assert plain_postfix.send(sent, "ann@example.org", ["out@elsewhere.example"], login="ann").accepted
    arrived(plain_postfix, "out@elsewhere.example", sent)


def test_local_submission_and_own_listener(plain_postfix: PrivatePostfix) -> None:
    by_hand, own = message(), message()
    plain_postfix.sendmail(by_hand, "ann@example.org", ["out2@elsewhere.example"])
    assert plain_postfix.send_own(own, "", ["team@example.org"]).accepted
    assert b"from userid" in arrived(plain_postfix, "out2@elsewhere.example", by_hand)
    arrived(plain_postfix, "ann@example.org", own)
    arrived(plain_postfix, "bob@example.org", own)


def test_no_header_is_added_to_what_strangers_send(plain_postfix: PrivatePostfix) -> None:
    marker = uuid.uuid4().hex
    sent = f"Subject: {marker}\n\nno From:, no Date:, no Message-ID:\n".encode()
    assert plain_postfix.send(sent, "x@sender.example", ["bare@example.org"]).accepted
    delivered = arrived(plain_postfix, "bare@example.org", sent).lower()
    assert not any(name in delivered.split(b"\n\n")[0] for name in (b"\nfrom:", b"\ndate:", b"\nmessage-id:"))


def test_routes_end_in_a_sink_and_nothing_is_left(can_run_postfix: None) -> None:
    with Sink(lmtp=True) as sink, PrivatePostfix(routes={"sink.example": sink.transport}) as postfix:
        folder, pid = postfix.folder, postfix.master_pid()
        assert pid is not None
        assert postfix.send(message(), "x@sender.example", ["a@sink.example", "b@sink.example"]).accepted
        assert sink.wait(1)
        assert sorted(sink.messages[0].recipients) == ["a@sink.example", "b@sink.example"]
        assert postfix.wait_queue_empty()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_another_user_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/usr/sbin/postfix")
    with pytest.raises(PostfixUnavailable, match=r"^a private Postfix needs root[^\n]*$"):
        instance.require_postfix()
