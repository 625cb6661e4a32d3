"""SPF through a real Postfix, the real daemon and a real name server; nothing is held because the DNS fails."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tamis.message import Message
from tamis.postfix.client import SmtpSession
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.served import RunningTamis
from tests.authentication.signing import signed, zone
from tests.dns_server import DnsServer

pytestmark = pytest.mark.servers

PEER = "203.0.113.25"
ALLOWED = "198.51.100.4"
FORWARDER = "192.0.2.50"
RELAY = "192.0.2.99"
ZONE = {
    **{f"bank{number}.example TXT": ["v=spf1 ip4:198.51.100.0/24 -all"] for number in range(4)},
    "mx.bank0.example TXT": ["v=spf1 -all"],
    "broken.example TXT": "SERVFAIL",
    "open.example TXT": ["v=spf1 include:broken.example -all"],
    "slow.example TXT": ["v=spf1 -all"],
    **zone(domain="author.example"),
}
TEXT = (
    "From: Ann <ann@author.example>\nTo: user@example.org\nSubject: Minutes\nMessage-ID: <{}@author.example>\n\nhello\n"
)


@dataclass
class Site:
    """A running Postfix with Tamis, and the name server it asks."""

    postfix: PrivatePostfix
    name_server: DnsServer
    sent: int = 0

    def send(self, sender: str, peer: str = PEER, helo: str = "mx.unknown.example", header: str = "") -> Message:
        """Send one message, below that header, and return it as it was delivered."""
        self.sent += 1
        return self.send_text((header + TEXT.format(self.sent)).encode(), sender, peer, helo)

    def send_text(self, text: bytes, sender: str, peer: str, helo: str) -> Message:
        before = self.postfix.delivered.count()
        with SmtpSession(self.postfix.smtp_port, peer, helo, helo) as smtp:
            assert smtp.send(text, sender, ["user@example.org"]).accepted
        deadline = time.monotonic() + 20
        while self.postfix.delivered.count() == before and time.monotonic() < deadline:
            time.sleep(0.02)
        return Message(self.postfix.delivered.all()[-1].content)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    with DnsServer(ZONE) as name_server:
        settings = (
            f'[dns]\nservers = ["{name_server.address}"]\n'
            f'[networks]\nforwarders = ["{FORWARDER}"]\ntrusted_relays = ["{RELAY}"]\n'
            '[policy]\nmode = "tag"\nfilters.bayes.enabled = false\nfilters.reverse-dns.enabled = false\n'
            "filters.invalid-mx.enabled = false\n"
        )
        with RunningTamis(settings) as tamis, PrivatePostfix(tamis.milter) as postfix:
            yield Site(postfix, name_server)


def verdict(message: Message) -> str:
    return " ".join((message.header("X-Tamis-Verdict") or "").split())


def printed(message: Message) -> str:
    return message.header("X-Spam-Status") or ""


def test_a_fail_decides(site: Site) -> None:
    message = site.send("ann@bank0.example")
    assert message.subject == "SPAM: Minutes"
    assert "row=5 spf" in verdict(message)
    assert 'because="bank0.example forbids 203.0.113.25 (-all)"' in verdict(message)
    assert "SPF_FAIL: 1" in printed(message)


def test_a_pass_and_a_forwarder_do_not(site: Site) -> None:
    message = site.send("ann@bank0.example", ALLOWED)
    assert (message.subject, "SPF_PASS: 0" in printed(message)) == ("Minutes", True)
    message = site.send("ann@bank0.example", FORWARDER)
    assert (message.subject, "SPF_FAIL: 1" in printed(message)) == ("Minutes", True)


def test_a_signature_of_the_author_keeps_a_fail_from_deciding(site: Site) -> None:
    text = signed(TEXT.format("signed").replace("\n", "\r\n").encode(), domain="author.example")
    message = site.send_text(text, "ann@bank0.example", PEER, "mx.unknown.example")
    assert (message.subject, "SPF_FAIL: 1" in printed(message)) == ("Minutes", True)
    changed = text.replace(b"hello", b"hullo")
    assert site.send_text(changed, "ann@bank0.example", PEER, "mx.unknown.example").subject == "SPAM: Minutes"


def test_the_null_sender_is_checked_by_the_helo_name(site: Site) -> None:
    assert "the HELO name mx.bank0.example forbids 203.0.113.25" in verdict(site.send("", helo="mx.bank0.example"))


def test_behind_a_trusted_relay_the_peer_of_the_relay_counts(site: Site) -> None:
    received = "Received: from mx.example (mx.example [{}])\n\tby relay.example; Thu, 01 Jan 2026 12:00:00 +0000\n"
    message = site.send("ann@bank0.example", RELAY, header=received.format(ALLOWED))
    assert (message.subject, "SPF_PASS: 0" in printed(message)) == ("Minutes", True)
    message = site.send("ann@bank0.example", RELAY, header=received.format(PEER))
    assert "bank0.example forbids 203.0.113.25" in verdict(message)
    message = site.send("ann@bank0.example", RELAY)
    assert (message.subject, "SPF_ABSTAINED: 0" in printed(message)) == ("Minutes", True)


def test_no_failure_of_the_dns_decides(site: Site) -> None:
    """A failing domain, a domain that is slower than the budget, a server that is silent, and one that is gone."""
    server = site.name_server
    server.delays = {"slow.example": 3.5}
    for sender in ("ann@broken.example", "ann@open.example", "ann@slow.example"):
        message = site.send(sender)
        assert (message.subject, "SPF_TEMPERROR: 0" in printed(message)) == ("Minutes", True)
        assert "action=deliver" in verdict(message)
    server.delay = 3.0
    message = site.send("ann@bank1.example")
    assert (message.subject, "SPF_TEMPERROR: 0" in printed(message)) == ("Minutes", True)
    server.stop()
    message = site.send("ann@bank2.example")
    assert (message.subject, "SPF_TEMPERROR: 0" in printed(message)) == ("Minutes", True)
    server.delay = 0.0
    server.start()
    deadline = time.monotonic() + 40
    while site.send("ann@bank3.example").subject != "SPAM: Minutes":
        assert time.monotonic() < deadline
        time.sleep(0.5)
