"""Row 7 with a real Postfix, the real daemon and its keeper: mail goes out, is delivered or not, and what follows."""

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tamis import config as configuration
from tamis.dns.zone import ZoneText
from tamis.message import Message
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import RunningTamis
from tamis.postfix.sink import Sink
from tamis.sender_weights import Event
from tamis.weight_store import WeightStore
from tests.dns_server import DnsServer
from tests.endtoend.site import as_service_user

pytestmark = pytest.mark.servers

PEER = "203.0.113.25"
WAIT = 2.0
"""Seconds for which a recipient waits for a report."""
ZONE: ZoneText = {
    "25.113.0.203.in-addr.arpa PTR": ["mail.remote.example"],
    "mail.remote.example": [PEER],
    "remote.example MX": ["10 mail.remote.example"],
    "remote.example TXT": ["v=spf1 ip4:203.0.113.25 -all"],
}
SETTINGS = f"""
[autowhitelist]
wait_minutes = {WAIT / 60}
[policy]
mode = "tag"
[domain."example.org".filters.auto-whitelisted-sender]
outgoing = true
"""
BOUNCES = {"internal_mail_filter_classes": "bounce"}
"""What docs/existing-postfix.md says about the MTA's own reports; non_smtpd_milters names Tamis already."""


class Post:
    """Postfix, Tamis, and the mail system of remote.example, which knows nobody whose name begins with `gone`."""

    def __init__(self, postfix: PrivatePostfix, tamis: RunningTamis, sink: Sink) -> None:
        self.postfix, self.tamis, self.sink = postfix, tamis, sink

    def write(self, *recipients: str, sender: str = "ann@example.org") -> str:
        """Somebody here writes to somebody there; returns the Message-ID."""
        name = f"<{uuid.uuid4().hex}@example.org>"
        text = f"From: {sender}\nTo: undisclosed:;\nSubject: hello\nMessage-ID: {name}\n\nhello\n"
        assert self.postfix.send(text.encode(), sender, list(recipients), login="ann").accepted
        return name

    def answer(self, sender: str, text: str = "", envelope: str | None = None, to: str = "ann@example.org") -> Message:
        """Somebody there writes to somebody here; returns what arrives. Its text alone is spam."""
        marker = uuid.uuid4().hex
        text = text or f"From: {sender}\nSubject: hello\nMessage-ID: <{marker}@remote.example>\n\nhello\n"
        reply = self.postfix.send(
            f"{text}{marker}\n".encode(),
            sender if envelope is None else envelope,
            [to],
            peer=PEER,
            name="mail.remote.example",
            helo="mail.remote.example",
        )
        assert reply.accepted, reply
        (found,) = self.until(lambda: [d for d in self.postfix.delivered.all() if marker.encode() in d.message])
        return Message(found.content)

    def points(self, sender: str, domain: str = "example.org") -> float:
        config = configuration.load(self.tamis.config)
        with as_service_user():
            found = WeightStore(config.database_url, 90.0).find(domain, sender)
        return round(found.points, 2) if found else 0.0

    def state(self, recipient: str) -> list[str]:
        """What is known of mail to somebody."""
        database = self.tamis.folder / "state" / "tamis.db"
        query = "SELECT state FROM sent WHERE recipient = ?"
        try:
            with as_service_user(), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                return [row[0] for row in connection.execute(query, (recipient,))]
        except sqlite3.OperationalError:
            return []  # Nothing has been written yet.

    def until(self, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 30
        while not (found := look()):
            assert time.monotonic() < deadline, self.tamis.log_text()[-3000:] + self.postfix.log_text()[-2000:]
            time.sleep(0.05)
        return found


@pytest.fixture(scope="module")
def post(can_run_postfix: None) -> Iterator[Post]:
    with (
        DnsServer(ZONE, ttl=0) as names,
        Sink(refuse=lambda recipient: "550 5.1.1 nobody" if recipient.startswith("gone") else None) as sink,
        RunningTamis(f'[dns]\nservers = ["{names.address}"]\n{SETTINGS}') as tamis,
        PrivatePostfix(
            tamis.milter,
            domains=["example.org", "other.example"],
            routes={"remote.example": sink.transport},
            settings=BOUNCES,
        ) as postfix,
    ):
        yield Post(postfix, tamis, sink)


def row_7(message: Message) -> str:
    """The words with which row 7 let a message through, empty where it did not."""
    passed = "row=7 auto-whitelisted-sender" in (message.header("X-Tamis-Verdict") or "")
    words = message.header("X-Icodia-SpamFilter-WL") or ""
    assert passed == bool(words)
    return words


def test_who_was_written_to_may_answer(post: Post) -> None:
    bob, report = "bob@remote.example", "gone.bob@remote.example"
    assert row_7(post.answer(bob)) == ""
    post.write(bob, report)
    post.until(lambda: post.state(bob) == ["counted"])
    assert post.points(bob) == 1
    # Postfix's own report has come to Ann by now, and through the milter.
    assert post.state(report) == ["failed"]
    assert post.points(report) == 0
    post.until(lambda: row_7(post.answer(bob)) == "Auto Whitelisted EMail Address")
    assert row_7(post.answer(report)) == ""
    assert row_7(post.answer(bob, to="x@other.example")) == "", "each domain learns for itself"


def test_without_proof_nobody_passes(post: Post) -> None:
    carl = "carl@remote.example"
    post.write(carl)
    post.until(lambda: row_7(post.answer(carl)))
    text = f"From: {carl}\nSubject: hello\n\nhello\n"
    assert row_7(post.answer(carl, text, envelope="eve@elsewhere.example")) == ""


def test_a_late_report_takes_it_back(post: Post) -> None:
    """Remote systems take mail and report later, by the Message-ID in what they send back."""
    dave = "dave@remote.example"
    name = post.write(dave)
    post.until(lambda: post.state(dave) == ["counted"])
    post.until(lambda: row_7(post.answer(dave)))
    text = (
        "From: MAILER-DAEMON@remote.example\nSubject: {}\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n--b\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mail.remote.example\n\n"
        f"Final-Recipient: rfc822; {dave}\nAction: {{}}\nStatus: 5.0.0\n\n--b\n"
        f"Content-Type: text/rfc822-headers\n\nMessage-ID: {name}\nSubject: hello\n\n--b--\n"
    )
    away = f"From: {dave}\nAuto-Submitted: auto-replied\nIn-Reply-To: {name}\nSubject: away\n\naway\n"
    post.answer("", text.format("delayed", "delayed"))
    post.answer("", away)
    time.sleep(2.0)
    assert (post.state(dave), post.points(dave)) == (["counted"], 1)
    post.answer("", text.format("failed", "failed"))
    post.until(lambda: post.state(dave) == ["failed"])
    assert post.points(dave) == 0
    post.until(lambda: not row_7(post.answer(dave)))


def test_what_is_done_by_hand_acts(post: Post) -> None:
    frank = "frank@remote.example"
    config = configuration.load(post.tamis.config)

    def learn(event: Event) -> None:
        with as_service_user():
            WeightStore(config.database_url, 90.0).learn("example.org", frank, event, "admin")

    learn(Event.RELEASE)
    post.until(lambda: row_7(post.answer(frank)))
    learn(Event.COMPLAINT)
    post.until(lambda: not row_7(post.answer(frank)))


def test_an_answer_to_our_message_is_a_notice(post: Post) -> None:
    """Row 11: the null sender, and nothing but our Message-ID in it."""
    text = "From: Hugo <hugo@remote.example>\nSubject: seen\nReferences: {}\n\nseen\n"
    stranger = post.answer("", text.format("<unknown@example.org>"))
    assert "NULL_SENDER_ODD: 1" in (stranger.header("X-Spam-Status") or "")
    name = post.write("hugo@remote.example", sender="ann@other.example")
    answered = post.answer("", text.format(name))
    assert "NULL_SENDER_NOTICE: 0" in (answered.header("X-Spam-Status") or "")
