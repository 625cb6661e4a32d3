"""35 copies to 35 recipients through a real Postfix and the real daemon: the late ones are tagged."""

import time

import pytest

from tamis.message import Message
from tamis.postfix.client import SmtpSession
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.served import RunningTamis
from tests.authentication.signing import signed, zone
from tests.dns_server import DnsServer

pytestmark = pytest.mark.servers

TEXT = """\
From: Ann <ann@sender.example>
To: {to}
Subject: {subject}
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-ID: <{to}@sender.example>

Dear colleagues, the minutes of the meeting are ready. Please read them before Friday.
"""
COPIES = 35
ZONE = {
    **zone(domain="sender.example"),
    "25.113.0.203.in-addr.arpa PTR": ["mail.sender.example"],
    "mail.sender.example A": ["203.0.113.25"],
    "sender.example MX": ["10 mail.sender.example"],
}
SETTINGS = """
[policy]
mode = "tag"
filters.bayes.enabled = false
"""


def send_copies(postfix: PrivatePostfix, subject: str, header: str = "") -> None:
    """Send a copy to each; with a header of a list they are signed by the author's domain."""
    with SmtpSession(postfix.smtp_port, "203.0.113.25", "mail.sender.example", "mail.sender.example") as smtp:
        for number in range(COPIES):
            to = f"user{number}@example.org"
            message = (header + TEXT.format(to=to, subject=subject)).encode()
            if header:
                message = signed(message.replace(b"\n", b"\r\n"), domain="sender.example").replace(b"\r\n", b"\n")
            assert smtp.send(message, "ann@sender.example", [to]).accepted


def arrived(postfix: PrivatePostfix, total: int) -> dict[str, Message]:
    deadline = time.monotonic() + 30
    while postfix.delivered.count() < total and time.monotonic() < deadline:
        time.sleep(0.05)
    return {delivery.address: Message(delivery.content) for delivery in postfix.delivered.all()}


def test_the_late_copies_are_tagged() -> None:
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    with (
        DnsServer(ZONE) as dns,
        RunningTamis(f'{SETTINGS}\n[dns]\nservers = ["{dns.address}"]\n') as tamis,
        PrivatePostfix(tamis.milter) as postfix,
    ):
        send_copies(postfix, "Minutes")
        copies = arrived(postfix, COPIES)
        assert len(copies) == COPIES
        subjects = [copies[f"user{number}@example.org"].subject for number in range(COPIES)]
        assert subjects == ["Minutes"] * 29 + ["SPAM: Minutes"] * 6
        verdict = copies["user34@example.org"].header("X-Tamis-Verdict") or ""
        assert "row=22 mail-checksum" in verdict
        assert "the same message to 35 recipients within 10 min" in verdict
        assert "MAIL_CHECKSUM: 1" in (copies["user34@example.org"].header("X-Spam-Status") or "")

        postfix.delivered.clear()
        send_copies(postfix, "Newsletter", "List-Id: <news.sender.example>\n")
        copies = arrived(postfix, COPIES)
        assert [copies[f"user{number}@example.org"].subject for number in range(COPIES)] == ["Newsletter"] * COPIES
        assert "MAIL_CHECKSUM: 1" in (copies["user34@example.org"].header("X-Spam-Status") or "")
