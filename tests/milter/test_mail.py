"""Mail through a real Postfix: what the engine is given, and what becomes of a message."""

import socket
import struct
import threading
from typing import Any

import pytest

from tamis.postfix import client

pytestmark = pytest.mark.servers

MESSAGE = b"From: a@x.example\nTo: b@example.org\nSubject:no space\nX-Folded: one\n\ttwo\n\nBody.\n"


def send(postfix: Any, extra: bytes = b"", message: bytes = MESSAGE, **options: Any) -> Any:
    return postfix.send(extra + message, "a@x.example", ["b@example.org"], **options)


def test_message_is_seen_as_it_came_and_changed_as_decided(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    forged = b"X-TEST-First: forged\nX-Test-Second: forged\nx-test-first: forged again\n"
    reply = send(postfix, forged)
    assert reply.accepted
    assert postfix.wait_delivered(1)
    (seen,) = shared.seen()
    assert seen["peer"] == "203.0.113.25"
    assert seen["rdns"] == seen["helo"] == "mail.sender.example"
    assert (seen["sender"], seen["recipients"]) == ("a@x.example", ["b@example.org"])
    assert (seen["class"], seen["queue_id"]) == ("inbound", reply.queue_id)
    assert seen["raw"].encode() == forged + MESSAGE
    assert seen["size"] == len(forged + MESSAGE)
    (delivery,) = postfix.delivered.all()
    added = b"X-Test-First: one\nX-Test-Second: two,\n\tfolded\nX-Test-Mark: X-IcoServerMsgID\n"
    assert delivery.content.startswith(added)
    assert b"forged" not in delivery.content
    assert b"Subject:no space\nX-Folded: one\n\ttwo\n" in delivery.content


def test_one_session_with_several_messages_resets_and_a_new_helo(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    with client.SmtpSession(postfix.smtp_port, "198.51.100.1", "one.example", "first.example") as session:
        assert session.send(MESSAGE, "one@x.example", ["b@example.org", "c@example.org"]).accepted
        session._smtp.docmd("MAIL FROM:<dropped@x.example>")
        session._smtp.docmd("RCPT TO:<dropped@example.org>")
        session._smtp.docmd("RSET")
        assert session.send(b"Subject: two\n\n2\n", "", ["d@example.org"]).accepted
        session._smtp.docmd("MAIL FROM:<dropped@x.example>")
        session._smtp.docmd("EHLO", "second.example")
        assert session.send(b"Subject: three\n\n3\n", "three@x.example", ["e@example.org"]).accepted
    first, second, third = shared.seen()
    assert (first["sender"], first["recipients"]) == ("one@x.example", ["b@example.org", "c@example.org"])
    assert (second["sender"], second["recipients"], second["helo"]) == ("", ["d@example.org"], "first.example")
    assert (third["sender"], third["helo"]) == ("three@x.example", "second.example")
    assert second["raw"].startswith("Subject: two\n")
    assert "dropped" not in str(shared.seen())


@pytest.mark.parametrize(
    "spelling",
    [
        '"user"@x.example',
        "us\\er@x.example",
        "user(comment)@x.example",
        "user @x.example",
        "@relay.example:user@x.example",
        "user@x.example,",
        "user%x.example",
        "x.example!user",
    ],
)
def test_address_is_what_the_mta_makes_of_it(shared: Any, mta: Any, spelling: str) -> None:
    shared.forget()
    postfix = mta.ask()
    recipient = spelling.replace("x.example", "example.org")
    assert postfix.send(MESSAGE, spelling, [recipient]).accepted
    assert postfix.wait_delivered(1)
    (seen,) = shared.seen()
    assert (seen["sender"], seen["recipients"]) == ("user@x.example", ["user@example.org"])


def test_peer_without_a_name_and_peer_with_ipv6(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    assert send(postfix, name=None).accepted
    assert send(postfix, peer="2001:db8::7").accepted
    nameless, six = shared.seen()
    assert (nameless["peer"], nameless["rdns"]) == ("203.0.113.25", "")
    assert (six["peer"], six["rdns"]) == ("2001:db8::7", "mail.sender.example")


def test_mail_of_sendmail_is_outgoing_and_of_a_client_on_loopback_is_not(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    postfix.sendmail(MESSAGE, "a@x.example", ["local@example.org"])
    assert postfix.wait_delivered(1)
    send(postfix, peer=None, helo="localhost")
    send(postfix, peer="127.0.0.1", name="localhost", helo="localhost")
    send(postfix, login="user@example.org")
    assert [seen["class"] for seen in shared.seen()] == ["outgoing", "inbound", "inbound", "outgoing"]
    assert shared.seen()[0]["sender"] == "a@x.example"
    assert postfix.wait_delivered(4)
    assert [b"X-Test-First" in message for message in postfix.deliveries()].count(True) == 2


def test_message_without_from_arrives_without_from(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    assert send(postfix, message=b"Subject: nobody\n\nx\n", peer=None).accepted
    assert "from:" not in shared.seen()[0]["raw"].lower()


def test_octets_arrive_as_they_are(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    message = b"Subject: caf\xe9 \xff\nX-Tab:\ttab\nX-Empty:\n\n\xe9\x80 raw\n.dot\n\nend\n"
    assert send(postfix, message=message).accepted
    assert shared.seen()[0]["raw"].encode("latin-1") == message
    assert postfix.wait_delivered(1)
    assert postfix.delivered.all()[0].content.endswith(message)


def test_subject_is_replaced_or_added(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    send(postfix, b"X-Do: tag\n")
    send(postfix, message=b"X-Do: tag\n\nx\n")
    assert postfix.wait_delivered(2)
    for message in postfix.deliveries():
        assert message.count(b"Subject: SPAM: tagged\n") == 1
        assert b"no space" not in message


@pytest.mark.parametrize("order", ["fail", "bad-header"])
def test_failure_takes_out_forged_headers_alone_with_one_error_line(shared: Any, mta: Any, order: str) -> None:
    shared.forget()
    postfix = mta.ask()
    message = f"X-Do: {order}\nX-Test-First: theirs\nSubject: x\n\nx\n".encode()
    forged = b"X-Spam-Status: No\nX-Tamis-Verdict: ham\nx-spam-status: No,\n\thits=-5\n"
    assert send(postfix, forged, message).accepted
    assert postfix.wait_delivered(1)
    (delivery,) = postfix.delivered.all()
    assert delivery.content.endswith(message)
    assert b"spam-status" not in delivery.content.lower()
    assert b"Verdict" not in delivery.content
    assert b"X-Test-Second" not in delivery.content
    (line,) = [line for line in shared.log().splitlines() if "severity=error" in line]
    assert "goes on without a verdict" in line
    assert "ValueError" in line


def test_long_examination_keeps_the_mta_waiting(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask(milter_content_timeout="2s")
    assert send(postfix, b"X-Do: sleep 3\n").accepted
    assert shared.wait_log("event=decision")


def test_large_message_is_counted_and_kept_up_to_the_cap(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    message = MESSAGE + b"x" * 998 + b"\n" + (b"y" * 70 + b"\n") * 80_000
    assert send(postfix, message=message).accepted
    assert shared.seen()[0]["size"] == len(message)
    assert postfix.wait_delivered(1)
    assert postfix.delivered.all()[0].content.endswith(message)


def test_a_burst_is_shared_between_workers(shared: Any, mta: Any) -> None:
    shared.forget()
    postfix = mta.ask()
    replies: list[Any] = []
    threads = [threading.Thread(target=lambda: replies.append(send(postfix, b"X-Do: sleep 0.3\n"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.accepted for reply in replies] == [True] * 12
    assert len({seen["pid"] for seen in shared.seen()}) == 2


def test_text_that_is_not_utf8_is_one_error_line_and_the_session_goes_on(shared: Any) -> None:
    """Postfix sends no such names; another MTA might, and pymilter drops them before we see them."""

    def packet(command: bytes, data: bytes = b"") -> bytes:
        return struct.pack("!I", len(data) + 1) + command + data

    shared.forget()
    with socket.socket(socket.AF_UNIX) as mta:
        mta.settimeout(30)
        mta.connect(str(shared.socket))
        mta.sendall(packet(b"O", struct.pack("!III", 6, 0x1FF, 0x1FFFFF)))
        assert mta.recv(1000)[4:5] == b"O"
        mta.sendall(packet(b"C", b"\xff.example\x004\0\x19192.0.2.1\0") + packet(b"H", b"\xff\0"))
        mta.sendall(packet(b"M", b"<a@x.example>\0") + packet(b"R", b"<b@example.org>\0"))
        mta.sendall(packet(b"L", b"X-\xff\0 x\0") + packet(b"L", b"Subject\0 seen\0") + packet(b"E"))
        answers = b""
        while answers.count(packet(b"c")) < 2:  # To RCPT, and to the end: the daemon fails on an MTA that has gone.
            answer = mta.recv(1000)
            assert answer
            answers += answer
    (seen,) = shared.seen()
    assert seen["raw"] == "Subject: seen\n\n"
    assert (seen["peer"], seen["helo"]) == ("None", "")
    assert shared.wait_log("event=decision")  # Written after the MTA has its answer.
    lines = shared.log().splitlines()
    assert [line.partition(" ")[2].split(" ")[0] for line in lines] == ["severity=error"] * 3 + ["severity=info"]
