"""Real clamd and spamd through a real Postfix: what they find, and each of them killed, hung and slow under load."""

import base64
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tamis.postfix.client import SmtpReply
from tests.endtoend.site import Site, domains, letter, policies, running
from tests.scanner_servers import EICAR, Clamd, Spamd, signature

pytestmark = pytest.mark.servers

FIRST, SECOND, LATER = b"first evil word", b"second evil word", b"evil word of later"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
LONGEST = 8.0
"""Seconds that the answer to the end of a message may take."""
DOMAINS = domains("example")


@dataclass
class Scanned:
    site: Site
    main: Clamd
    spare: Clamd
    second: Clamd
    spamd: Spamd


@pytest.fixture(scope="module")
def scanned(can_run_postfix: None) -> Iterator[Scanned]:
    if not (Clamd.installed() and Spamd.installed()):
        pytest.skip("clamd or spamd is not installed")
    with ExitStack() as stack:
        main, spare = (stack.enter_context(Clamd(signature("Test.First", FIRST), tcp=tcp)) for tcp in (True, False))
        second = stack.enter_context(Clamd(signature("Test.Second", SECOND)))
        spamd = stack.enter_context(Spamd("required_score 50\n"))
        toml = policies("example") + (
            f'[clamd.first]\nendpoints = ["{main.endpoint}", "{spare.endpoint}"]\n'
            f'[clamd.second]\nendpoints = ["{second.endpoint}"]\nstage = 2\n'
            f'[spamd]\nendpoints = ["{spamd.endpoint}"]\n[bans]\nautomatic = false\n'
            "[policy.filters]\nattachment-hashes.enabled = false\n"
            "bayes.enabled = false\nmail-checksum.enabled = false\n"
        )
        yield Scanned(stack.enter_context(running(toml, sunk=DOMAINS)), main, spare, second, spamd)


def with_text(text: bytes) -> bytes:
    return letter(uuid.uuid4().hex) + text + b"\r\n"


def with_file(content: bytes, padding: int = 0) -> bytes:
    """A message with a text of so many octets, and a file behind it."""
    head = letter(uuid.uuid4().hex).partition(b"\r\n\r\n")[0]
    lines = b"a line of a long text, which nobody has to read to its end\r\n"
    return (
        head
        + b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_b"\r\n\r\n--=_b\r\n\r\n'
        + lines * (padding // len(lines))
        + b"--=_b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(content)
        + b"\r\n--=_b--\r\n"
    )


INFECTED: dict[str, tuple[Callable[[], bytes], str]] = {
    "first stage": (lambda: with_text(FIRST), "1"),
    "second stage": (lambda: with_text(SECOND), "24"),
    "a file": (lambda: with_file(EICAR), "1"),
    "beyond what other rows see, from a file of the spool": (lambda: with_file(EICAR, 6_000_000), "1"),
}


@pytest.mark.parametrize("name", INFECTED)
def test_infected_mail_is_held_in_every_mode_but_observe(scanned: Scanned, name: str) -> None:
    made, row = INFECTED[name]
    site = scanned.site
    reply = site.deliver(made(), "x@sender.example", [f"user@{domain}" for domain in DOMAINS])
    (copy,) = site.arrived()
    assert copy.recipient == "user@observe.example"
    assert f"row={row} antivirus-" in copy.header("X-Tamis-Verdict")
    assert set(site.held(reply.queue_id)) == {f"user@{domain}" for domain in DOMAINS} - {copy.recipient}
    query = "SELECT DISTINCT malware, action, row FROM copy WHERE state = 'held' AND message_id = ?"
    assert site.rows(query, site.message_id(reply.queue_id)) == [(1, "hold", row)]


@pytest.mark.parametrize("text", [FIRST, SECOND])
def test_infected_mail_on_its_way_out_is_refused(scanned: Scanned, text: bytes) -> None:
    reply = scanned.site.send(with_text(text), "ann@tag.example", ["bob@else.example"], login="ann@tag.example")
    assert (reply.code, reply.stage) == (554, "message")
    assert "finds Test." in reply.text


def test_what_spamassassin_takes_for_spam(scanned: Scanned) -> None:
    scanned.site.deliver(with_text(GTUBE), "x@sender.example", ["user@tag.example", "user@quarantine.example"])
    (copy,) = scanned.site.arrived()
    assert copy.recipient == "user@tag.example"
    assert copy.message.subject.startswith("SPAM: ")
    assert 'row=28 spamassassin; because="SpamAssassin says 10' in copy.header("X-Tamis-Verdict")
    assert "spamassassin=" in scanned.site.tamis.log_text()


def test_a_new_signature_acts_at_once(scanned: Scanned) -> None:
    site, sent = scanned.site, with_text(LATER)
    for _ in range(2):
        site.deliver(sent, "x@sender.example", ["user@tag.example"])
        assert [copy.recipient for copy in site.arrived()] == ["user@tag.example"]
    for server in (scanned.main, scanned.spare):
        server.learn(signature("Test.Later", LATER))
    reply = site.deliver(sent, "x@sender.example", ["user@tag.example"])
    assert site.arrived() == []
    assert set(site.held(reply.queue_id)) == {"user@tag.example"}


# --- under load


def timed(site: Site, octets: bytes) -> tuple[SmtpReply, float]:
    began = time.monotonic()
    reply = site.send(octets, "x@sender.example", ["user@tag.example"])
    return reply, time.monotonic() - began


def under_load(site: Site, trouble: Callable[[], object], wanted: set[int], messages: int = 18) -> None:
    """Send clean and infected mail, four at a time, while something happens; account for all of it."""
    sent = [with_text(FIRST) if number % 3 == 0 else letter(uuid.uuid4().hex) for number in range(messages)]
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(timed, site, octets) for octets in sent]
        trouble()
        answers = [future.result() for future in futures]
    assert {reply.code for reply, _ in answers} <= wanted, [reply for reply, _ in answers]
    # The connection, XCLIENT and the rest of SMTP need their time on a busy machine, too.
    assert max(seconds for _, seconds in answers) < LONGEST + 3
    arrived = {copy.message.subject for copy in site.arrived()}
    held = {queue_id for (queue_id,) in site.rows("SELECT queue_id FROM message")}
    for octets, (reply, _) in zip(sent, answers, strict=True):
        subject = octets.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()
        became = (subject in arrived, reply.accepted and reply.queue_id in held)
        assert became == (reply.accepted and FIRST not in octets, reply.accepted and FIRST in octets), reply


def slow(server: Clamd | Spamd) -> None:
    """Let a server work a quarter of the time."""
    for _ in range(4):
        server.hang()
        time.sleep(0.6)
        server.resume()
        time.sleep(0.2)


TROUBLE: dict[str, Callable[[Clamd | Spamd], object]] = {
    "hangs": lambda server: server.hang(),
    "is killed": lambda server: server.kill(),
    "is slow": slow,
}


def end(server: Clamd | Spamd) -> None:
    """End the trouble."""
    if server.process is None:
        server.start()
    else:
        server.resume()


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLE)
def test_one_of_two_endpoints(scanned: Scanned, trouble: str) -> None:
    try:
        under_load(scanned.site, lambda: TROUBLE[trouble](scanned.main), {250})
    finally:
        end(scanned.main)


def until_scanned(site: Site) -> None:
    """Wait until all scanners are back for every worker; nothing infected passes meanwhile."""
    until_accepted(site, lambda: with_text(FIRST))
    assert site.arrived() == []
    # One scanner is enough to know what is infected; that nothing is found, all must say.
    until_accepted(site, lambda: letter(uuid.uuid4().hex))
    site.arrived()


def until_accepted(site: Site, octets: Callable[[], bytes]) -> None:
    deadline = time.monotonic() + 30
    while not all(timed(site, octets())[0].accepted for _ in range(8)):
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_all_of_them_hang(scanned: Scanned) -> None:
    every = (scanned.main, scanned.spare, scanned.second)

    def happens() -> None:
        for server in every:
            server.hang()

    try:
        under_load(scanned.site, happens, {250, 451})
        reply, seconds = timed(scanned.site, letter(uuid.uuid4().hex))
        assert (reply.code, reply.stage) == (451, "message")
        assert seconds < LONGEST
        assert "action=later" in scanned.site.tamis.log_text()
    finally:
        for server in every:
            server.resume()
    until_scanned(scanned.site)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLE)
def test_spamd(scanned: Scanned, trouble: str) -> None:
    before = len(scanned.site.tamis.log_text())
    try:
        under_load(scanned.site, lambda: TROUBLE[trouble](scanned.spamd), {250}, 12)
        assert trouble == "is slow" or "spamd does not answer" in scanned.site.tamis.log_text()[before:]
    finally:
        end(scanned.spamd)


# --- what passes


@pytest.mark.slow
def test_what_passed_is_scanned_once_a_scanner_is_back(can_run_postfix: None) -> None:
    if not Clamd.installed():
        pytest.skip("clamd is not installed")
    with Clamd(signature("Test.First", FIRST)) as server:
        toml = policies("example", lists='blacklist_sender = ["spammer.example"]') + (
            f'[clamd.first]\nendpoints = ["{server.endpoint}"]\n[antivirus]\ndefer_minutes = 0\n'
        )
        with running(toml, sunk=DOMAINS, workers=1) as site:
            server.kill()
            reply = site.deliver(with_text(FIRST), "x@sender.example", ["user@tag.example"])
            (copy,) = site.arrived()
            assert "AV_UNAVAILABLE: 0" in copy.header("X-Spam-Status")
            spam = site.deliver(with_text(FIRST), "x@spammer.example", ["user@quarantine.example"])
            assert site.rows("SELECT malware, row FROM copy") == [(0, "9")]
            server.start()
            deadline = time.monotonic() + 40
            while site.tamis.log_text().count("mail that passed unscanned is infected") < 2:
                assert time.monotonic() < deadline, site.tamis.log_text()[-2000:]
                time.sleep(0.2)
            assert site.rows("SELECT malware, row, test FROM copy") == [(1, "1", "AV1_MALWARE")]
            assert site.release(*site.held(spam.queue_id).values()) == []
            said = [line for line in site.tamis.log_text().splitlines() if "unscanned is infected" in line]
            assert any(reply.queue_id in line and "user@tag.example" in line for line in said)
            assert list((site.tamis.folder / "state" / "unscanned").iterdir()) == []
