"""The whole way, with real parts: Postfix, Dovecot, a name server, the daemon, `tamis web` and Chromium.

Held mail → a letter in a real mailbox → its link in a browser → delivered to the octet → the next message passes.
"""

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from tamis import config as configuration
from tamis.accounts import Accounts, Role
from tamis.message import Message
from tamis.postfix.dovecot import PASSWORD, PrivateDovecot
from tamis.postfix.ports import free_ports
from tamis.quarantine.digest_task import DigestTask
from tests.dns_server import DnsServer
from tests.endtoend.site import HONEST, Site, as_service_user, running
from tests.web.browser import Chromium, Window, chromium
from tests.web.console import log_in

pytestmark = [pytest.mark.servers, pytest.mark.slow]

KEY = "the-key-of-the-tests"
HERE, THERE = "quarantine.example", "author.example"
DNS = {f"{THERE} TXT": [f"v=spf1 ip4:{HONEST} -all"], f"{THERE} MX": [f"10 mx.{THERE}"]}
EVIL = '<script>document.title="owned"</script>'
PAGE = (
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n',
    "--b\r\nContent-Type: text/plain\r\n\r\nshall we have lunch\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    "<p>laid out</p><script>parent.document.title='owned'</script><img src='http://127.0.0.1:1/x.png'>\r\n--b--\r\n",
)
"""The header of a message with a page that would run, and the end of its body."""
_NO_TRUST = "filters.auto-whitelisted-sender.enabled = false\n"


@dataclass
class World:
    """Everything that runs."""

    site: Site
    dovecot: PrivateDovecot
    chromium: Chromium
    base: str

    def send(self, subject: str, sender: str, to: str, header: str = "", more: str = "") -> bytes:
        """Send a message of a person, proven by SPF; return its octets."""
        octets = (
            f"From: Ann <{sender}>\r\nTo: {to}\r\nSubject: {subject}\r\n{header}"
            f"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <{time.monotonic_ns()}@{THERE}>\r\n\r\n"
            f"Hello, shall we have lunch? I would like to see you.\r\n{subject}\r\n{more}"
        ).encode()
        self.site.deliver(octets, sender, [to], peer=HONEST, name=f"mx.{THERE}", helo=f"mx.{THERE}")
        return octets

    def inbox(self, address: str, count: int) -> list[bytes]:
        assert self.dovecot.wait(address, count=count, timeout=60), self.site.tamis.log_text()[-4000:]
        found = self.dovecot.mailbox(address)
        assert len(found) == count
        return found

    def letter(self, address: str) -> EmailMessage:
        """The one letter of ours in a mailbox."""
        (octets,) = self.inbox(address, 1)
        return message_from_bytes(octets, EmailMessage, policy=policy.default)

    def told(self, subject: str) -> str:
        """What was decided about telling the sender of a message."""
        query = "SELECT telling FROM copy JOIN message ON message.id = message_id WHERE subject = ?"
        deadline = time.monotonic() + 30
        while True:
            ((found,),) = self.site.rows(query, subject)
            if found not in ("waiting", "sending") or time.monotonic() > deadline:
                return str(found)
            time.sleep(0.2)

    def passes(self, sender: str, to: str, count: int) -> Message:
        """Send until a message is let through: what was chosen acts within seconds."""
        for number in range(20):
            self.send(f"again {number}", sender, to)
            if self.dovecot.wait(to, count=count, timeout=1.0):
                return Message(self.dovecot.mailbox(to)[-1])
        raise AssertionError("the sender is not let through")


def text_of(letter: EmailMessage, kind: str = "plain") -> str:
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.fixture(scope="module")
def world(can_run_postfix: None, can_run_dovecot: None) -> Iterator[World]:
    with ExitStack() as stack:
        program = stack.enter_context(chromium())
        dovecot = stack.enter_context(PrivateDovecot())
        names = stack.enter_context(DnsServer(DNS))
        (port,) = free_ports(1)
        base = f"http://127.0.0.1:{port}/held"
        settings = (
            f'[dns]\nservers = ["{names.address}"]\n'
            f'[web]\nbase_url = "{base}"\nlisten = "127.0.0.1:{port}"\nchallenge_test_key = "{KEY}"\n'
            f'login = "imap://127.0.0.1:{dovecot.imap_port}"\n'
            "[notices]\ndigest_hour = 0\n"
            f'[domain."{HERE}"]\nblacklist_sender = ["{THERE}"]\n{_NO_TRUST}'
        )
        routes = dict.fromkeys((HERE, THERE), dovecot.transport)
        site = stack.enter_context(running(settings, routes=routes))
        command = [sys.executable, "-m", "tamis.cli", "web", "-c", str(site.tamis.config)]
        process = subprocess.Popen(command, cwd="/")
        stack.callback(process.wait)
        stack.callback(process.terminate)
        wait_healthy(base)
        yield World(site, dovecot, program, base)


@pytest.fixture
def browser(world: World) -> Iterator[Window]:
    with world.chromium.window() as window:
        yield window


def wait_healthy(base: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with closing(urllib.request.urlopen(f"{base}/health", timeout=10)):
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("by_script", [True, False], ids=["the browser's work", "the test key, without scripts"])
def test_the_sender_lets_it_out(world: World, by_script: bool) -> None:
    who = "worker" if by_script else "writer"
    sender, to = f"{who}@{THERE}", f"bob-{who}@{HERE}"
    octets = world.send(f"Lunch {EVIL} {who}", sender, to)
    assert world.dovecot.mailbox(to) == []
    letter = world.letter(sender)
    assert (letter["Auto-Submitted"], letter["Return-Path"]) == ("auto-replied", "<>")
    assert "X-Tamis-Verdict" not in letter
    (link,) = re.findall(rf"{world.base}/release/\S+", text_of(letter))
    assert link in text_of(letter, "html")

    with world.chromium.window(scripts=by_script) as browser:
        browser.open(link)
        browser.wait_for("form[data-challenge]")
        assert "/release/" not in browser.url
        assert EVIL in browser.text
        if by_script:
            browser.wait_for("form[data-solved]")
            assert browser.title == "Your held messages"
            assert browser.barriers() == []
        else:
            browser.write("#code", KEY)
        browser.click("button.main")
        browser.wait_text("1 message is on its way")
        assert browser.complaints() == []
        browser.open(link)
        browser.wait_text("Nothing of")
    (delivered,) = world.inbox(to, 1)
    assert delivered.endswith(octets.replace(b"\r\n", b"\n"))
    assert f"Released by its sender {sender}".encode() in delivered

    again = world.passes(sender, to, 2)
    assert again.header("X-Icodia-SpamFilter-WL") == "Whitelisted EMail Address"
    # The address alone is not enough: whoever is not proved is not whitelisted by it.
    forged = world.site.send(
        octets + b"x\r\n", sender, [to], peer="203.0.113.99", name="unknown", helo="mx.forger.example"
    )
    assert forged.accepted
    world.site.settle()
    assert len(world.dovecot.mailbox(to)) == 2
    assert len(world.dovecot.mailbox(sender)) == 1


def test_the_recipient_lets_it_out(world: World, browser: Window) -> None:
    to = f"eve@{HERE}"
    octets = world.send(f"Menu {EVIL}", f"cook@{THERE}", to, f"List-Id: <menus.example>\r\n{PAGE[0]}", PAGE[1])
    assert world.told(f"Menu {EVIL}") == "bulk"
    config = configuration.load(world.site.tamis.config)
    with as_service_user():
        DigestTask(config, world.site.store).run()
    letter = world.letter(to)
    assert letter["Auto-Submitted"] == "auto-generated"
    text = text_of(letter)
    assert "The sender is on a blacklist." in text
    (link,) = re.findall(rf"{world.base}/mailbox/\S+", text)

    browser.open(link)
    browser.wait_text("Your held mail")
    assert EVIL in browser.text
    assert browser.barriers() == []
    browser.click(".list a")
    browser.wait_text("Why it is held")
    assert "shall we have lunch" in browser.text
    browser.wait_frame("laid out")
    assert browser.title == f"Menu {EVIL}"
    assert browser.barriers() == []
    browser.click('button[value="release"]')
    browser.wait_text("1 message is on its way to you")
    assert browser.complaints() == []
    assert len(world.inbox(to, 2)) == 2
    (delivered,) = [one for one in world.dovecot.mailbox(to) if b"Menu" in one and b"Auto-Submitted" not in one]
    assert delivered.endswith(octets.replace(b"\r\n", b"\n"))
    assert f"Released by {to}, on its page".encode() in delivered


def test_an_administrator_lets_it_out(world: World, browser: Window) -> None:
    to, sender = f"carol@{HERE}", f"no-reply-console@{THERE}"
    octets = world.send(f"Order {EVIL}", sender, to, f"List-Id: <orders.example>\r\n{PAGE[0]}", PAGE[1])
    with as_service_user():
        Accounts(configuration.load(world.site.tamis.config).database_url).add(
            "ann", PASSWORD * 3, Role.PLATFORM, [], ""
        )
    log_in(browser, world.base, "ann", PASSWORD * 3)
    browser.wait_text("Overview")
    browser.open(f"{world.base}/console/held?whose={to}")
    browser.wait_text(f"Order {EVIL}")
    browser.click(".list a")
    browser.wait_text("Because")
    assert browser.barriers() == []
    browser.click('button[value="release"]')
    browser.wait_text("On their way: 1")
    (delivered,) = world.inbox(to, 1)
    assert delivered.endswith(octets.replace(b"\r\n", b"\n"))
    assert b"Released by ann" in delivered

    browser.open(f"{world.base}/console/lists?list=whitelist_sender&domain={HERE}")
    browser.write("#value", sender)
    browser.click('button[value="add"]')
    browser.wait_text(sender)
    assert world.passes(sender, to, 2).header("X-Icodia-SpamFilter-WL") == "Whitelisted EMail Address"
    browser.open(f"{world.base}/console/audit")
    browser.wait_text("release held mail")
    assert browser.complaints() == []


def test_by_the_password_of_the_mailbox(world: World, browser: Window) -> None:
    mine = f"login@{HERE}"
    world.send("for me", f"no-reply@{THERE}", mine)
    world.send("for another", f"no-reply@{THERE}", f"another@{HERE}")
    config = configuration.load(world.site.tamis.config)
    with as_service_user():
        DigestTask(config, world.site.store).run()
    for password, text in (("wrong", "do not belong together"), (PASSWORD, "Your held mail")):
        browser.open(f"{world.base}/login")
        assert browser.barriers() == []
        browser.write("#user", mine.title())
        browser.write("#password", password)
        browser.click("button.main")
        browser.wait_text(text)
    assert "for me" in browser.text
    assert "for another" not in browser.text
    browser.click(".top button")
    browser.wait_text("Open the link")


def test_what_a_recipient_allows_holds_for_that_address_alone(world: World, browser: Window) -> None:
    mine, other, sender = f"allow@{HERE}", f"colleague@{HERE}", f"no-reply-allowed@{THERE}"
    world.send("to be allowed", sender, mine)
    config = configuration.load(world.site.tamis.config)
    with as_service_user():
        DigestTask(config, world.site.store).run()
    (link,) = re.findall(rf"{world.base}/mailbox/\S+", text_of(world.letter(mine)))
    browser.open(link)
    browser.click('.list input[type="checkbox"]')
    browser.click('button[value="allow"]')
    browser.wait_text("1 message is on its way to you")
    world.inbox(mine, 2)
    again = world.passes(sender, mine, 3)
    assert again.header("X-Icodia-SpamFilter-WL") == "Whitelisted EMail Address"
    world.send("to another", sender, other)
    world.site.settle()
    assert world.dovecot.mailbox(other) == []


def test_a_loop_of_auto_replies_ends_at_once(world: World) -> None:
    """What answers our notice, and what answers by itself, is held and never answered."""
    sender, to = f"away@{THERE}", f"bob@{HERE}"
    world.send("first", sender, to)
    letter = world.letter(sender)
    for number in range(3):
        header = f"Auto-Submitted: auto-replied\r\nIn-Reply-To: {letter['Message-ID']}\r\n"
        world.send(f"Out of office {number}", sender, to, header)
        assert world.told(f"Out of office {number}") == "automatic"
    assert len(world.dovecot.mailbox(sender)) == 1


def test_bad_links_are_friendly(world: World, browser: Window) -> None:
    for path in ("/release/x", "/mailbox/x", "/nothing"):
        browser.open(f"{world.base}{path}")
        assert "cannot be used" in browser.text or "nothing here" in browser.text
        assert browser.barriers() == []
