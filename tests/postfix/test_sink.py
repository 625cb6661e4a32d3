"""The sink speaks SMTP and LMTP, refuses when told to, and keeps every octet."""

import smtplib
from pathlib import Path

import pytest

from tamis.postfix import client
from tamis.postfix.sink import Sink


def test_smtp_keeps_octets_and_envelope() -> None:
    with Sink() as sink:
        reply = client.send(sink.port, b"A: b\n\n.dot\n\xff\n", "x@sender.example", ["a@sink.example"])
        assert reply.accepted
        assert sink.messages[0].content == b"A: b\r\n\r\n.dot\r\n\xff\r\n"
        assert (sink.messages[0].sender, sink.messages[0].recipients) == ("x@sender.example", ("a@sink.example",))


def test_parameters_are_kept_for_the_message_and_for_each_recipient() -> None:
    with Sink() as sink, client.SmtpSession(sink.port) as session:
        session.send(b"\n", "x@sender.example", ["a@sink.example", "b@sink.example"], ["RET=HDRS"], ["NOTIFY=NEVER"])
        (message,) = sink.messages
        assert (message.mail_parameters, message.rcpt_parameters) == ("RET=HDRS", ("NOTIFY=NEVER", "NOTIFY=NEVER"))


def test_refused_recipients_are_reported() -> None:
    def refuse(address: str) -> str | None:
        return "550 5.1.1 nobody" if address.startswith("no") else None

    with Sink(refuse=refuse) as sink:
        reply = client.send(sink.port, b"\n", "", ["yes@sink.example", "no@sink.example"])
        assert reply.accepted
        assert reply.refused == {"no@sink.example": (550, "5.1.1 nobody")}
        alone = client.send(sink.port, b"\n", "", ["no@sink.example"])
        assert (alone.accepted, alone.stage, sink.count) == (False, "rcpt", 1)


def test_lmtp_answers_for_each_recipient(tmp_path: Path) -> None:
    with Sink(lmtp=True, folder=tmp_path) as sink, smtplib.LMTP("127.0.0.1", sink.port) as lmtp:
        lmtp.sendmail("x@sender.example", ["a@sink.example", "b@sink.example"], b"A: b\r\n\r\nc\r\n")
        assert lmtp.getreply()[0] == 250
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"A: b\r\n\r\nc\r\n"]


def test_nobody_listening_is_a_reply_too() -> None:
    with Sink() as sink:
        port = sink.port
    assert client.send(port, b"\n", "", ["a@sink.example"]).code == 0


@pytest.mark.parametrize(
    ("sent", "wire"),
    [
        (b"", b"\r\n.\r\n"),
        (b".\n", b"..\r\n.\r\n"),
        (b"a\r\n..b\n", b"a\r\n...b\r\n.\r\n"),
        (b"a\rb", b"a\rb\r\n.\r\n"),
    ],
)
def test_dot_stuffing(sent: bytes, wire: bytes) -> None:
    assert client.dot_stuffed(sent) == wire
