"""Row 7 with a real Postfix, the real daemon and its keeper: mail goes out, is delivered or not, and what follows."""

import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tamis import config as configuration
from tamis.dns.zone import ZoneText
from tamis.message import Message
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import RunningTamis
from tamis.postfix.sink import Sink
from tamis.sent_journal import written
from tamis.weight_store import WeightStore
from tests.core.test_feedback_report import FIELDS, report
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
FRANK = "frank@remote.example"
SETTINGS = f"""
[autowhitelist]
wait_minutes = {WAIT / 60}
[delivery]
server = "127.0.0.1:1"
[policy]
mode = "tag"
[domain."example.org".filters.auto-whitelisted-sender]
outgoing = true
[domain."held.example"]
mode = "quarantine"
blacklist_sender = ["{FRANK}"]
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

    def hold(self, sender: str) -> str:
        """Somebody there writes to held.example; returns our id of the message, which is held."""
        known = {row[0] for row in self.rows("SELECT message_id FROM copy")}
        self._to_held(sender)
        found = self.until(lambda: {row[0] for row in self.rows("SELECT message_id FROM copy")} - known)
        return str(found.pop())

    def passes(self, sender: str) -> bool:
        """Whether what somebody writes to held.example is delivered."""
        before = self.postfix.delivered.count()
        held = len(self.rows("SELECT id FROM copy"))
        self._to_held(sender)
        self.until(lambda: self.postfix.delivered.count() > before or len(self.rows("SELECT id FROM copy")) > held)
        return self.postfix.delivered.count() > before

    def _to_held(self, sender: str) -> None:
        text = f"From: {sender}\nSubject: {uuid.uuid4().hex}\n\nhello\n".encode()
        peer = {"peer": PEER, "name": "mail.remote.example", "helo": "mail.remote.example"}
        assert self.postfix.send(text, sender, ["x@held.example"], **peer).accepted  # type: ignore[arg-type]

    def tamis_command(self, *words: str) -> None:
        """Run a command of an administrator's."""
        command = [sys.executable, "-m", "tamis.cli", *words[:2], "-c", str(self.tamis.config), *words[2:]]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")

    def points(self, sender: str, domain: str = "example.org") -> float:
        config = configuration.load(self.tamis.config)
        with as_service_user():
            found = WeightStore(config.database_url, 90.0).find(domain, sender)
        return round(found.points, 2) if found else 0.0

    def state(self, recipient: str) -> list[str]:
        """What is known of mail to somebody."""
        return [row[0] for row in self.rows("SELECT state FROM sent WHERE recipient = ?", recipient)]

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        database = self.tamis.folder / "state" / "tamis.db"
        try:
            with as_service_user(), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                return connection.execute(query, values).fetchall()
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
            domains=["example.org", "other.example", "held.example"],
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
    bob, gone = "bob@remote.example", "gone.bob@remote.example"
    assert row_7(post.answer(bob)) == ""
    post.write(bob, gone)
    post.until(lambda: post.state(bob) == ["counted"])
    assert post.points(bob) == 1
    # Postfix's own report comes to Ann, and through the milter.
    post.until(lambda: post.state(gone) == ["failed"])
    assert post.points(gone) == 0
    post.until(lambda: row_7(post.answer(bob)) == "Auto Whitelisted EMail Address")
    assert row_7(post.answer(gone)) == ""
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


def test_a_release_raises_and_a_complaint_lowers(post: Post, tmp_path: Path) -> None:
    """Whatever the mail of a sender is held for after row 7: here a blacklist."""
    held = post.hold(FRANK)
    assert post.points(FRANK, "held.example") == 0
    post.tamis_command("quarantine", "release", held, "--wait", "0")
    assert post.points(FRANK, "held.example") == 2
    post.until(lambda: post.passes(FRANK))
    complaint = tmp_path / "complaint.eml"
    complaint.write_bytes(report(FIELDS.replace("somespammer@Example.net", FRANK)))
    post.tamis_command("complaint", "import", str(complaint))
    assert post.points(FRANK, "held.example") == pytest.approx(0, abs=0.01)
    post.until(lambda: not post.passes(FRANK))
    post.tamis_command("sender", "learn", "validation", FRANK, "--domain", "held.example")
    post.until(lambda: post.passes(FRANK))


def test_an_answer_to_our_message_is_a_notice(post: Post) -> None:
    """Row 11: the null sender, and nothing but our Message-ID in it."""
    text = "From: Hugo <hugo@remote.example>\nSubject: seen\nReferences: {}\n\nseen\n"
    stranger = post.answer("", text.format("<unknown@example.org>"))
    assert "NULL_SENDER_ODD: 1" in (stranger.header("X-Spam-Status") or "")
    name = post.write("hugo@remote.example", sender="ann@other.example")
    answered = post.answer("", text.format(name))
    assert "NULL_SENDER_NOTICE: 0" in (answered.header("X-Spam-Status") or "")


def test_what_a_worker_has_seen_outlasts_it(post: Post) -> None:
    last = "last@remote.example"
    post.write(last)
    post.tamis.stop()
    waiting = list(written(post.tamis.folder / "state" / "sent"))
    assert waiting or post.state(last)
    post.tamis.start()
    post.until(lambda: post.state(last) == ["counted"])
