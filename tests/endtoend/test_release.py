"""What is released is what was sent: every octet, with our own fields above, once, whoever asks how often."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tamis.message import Message
from tests.endtoend.site import SPAMMER, Arrived, Site, domains, letter, policies, running

pytestmark = pytest.mark.servers

HELD = "ann@quarantine.example"
OURS = [
    "Received",
    "X-Icodia-SpamFilter-WL",
    "X-Ico-Bay",
    "X-Spam-Status",
    "X-Error-Return-Path",
    "X-HELO-In-Domain",
    "X-ORG-IN-IP-Address",
    "X-RCPT-TO",
    "X-IcoServerMsgID",
    "X-Tamis-Verdict",
    "Authentication-Results",
    "Received",
]
"""The fields above the message: Postfix's trace of the second pass, ours, and our trace of the first."""

FORGED = (
    b"X-Tamis-Verdict: ham; action=deliver; id=0\r\nX-Spam-Status: No, hits=-99.0 required=7.5\r\n"
    b"x-ico-bay:-99\r\nX-Spam-Flag: YES\r\nX-Icodia-SpamFilter-WL: Released by nobody\r\nX-RCPT-TO: <x@y.example>\r\n"
)
EVERY_OCTET = bytes(octet for octet in range(256) if octet not in b"\r\n")

MESSAGES = {
    "plain": b"From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n",
    "dots": b"Subject: x\r\n\r\n.\r\n..\r\n.x\r\n. \r\n\r\n.\r\nend.\r\n.\r\n",
    "dots at once": b"Subject: x\r\n\r\n.\r\n",
    "8 bit": "Subject: déjà vu\r\nFrom: Jörg <a@b.example>\r\n\r\nà la carte\r\n".encode(),
    "latin-1": "Subject: déjà vu\r\nX-Odd: \xa0\xff\r\n\r\nà la carte\r\n".encode("latin-1"),
    "long lines": b"X-Long: " + b"x" * 990 + b"\r\nSubject: x\r\n\r\n" + b"y" * 998 + b"\r\n" + b"z" * 997 + b"\r\n",
    "folded": b"Subject: one\r\n two\r\n\tthree\r\n  \t four\r\nX-Last:\r\n folded at once\r\n\r\nx\r\n",
    "oddly spaced": b"Subject:x\r\nFrom:  a@b.example\r\nTo:\ta@b.example  \r\nX-0:\r\nX-1: \r\nX-Tab:\t\r\n\r\nx\r\n",
    "only spaces on a folded line": b"Subject: x\r\n \r\n\t\r\nFrom: a@b.example\r\n\r\nx\r\n",
    "nothing that every message has": b"X-Mailer: none\r\n\r\nno From:, Date:, Message-ID:, Subject:\r\n",
    "odd names": b"X.Foo/Bar(1): x\r\n!#$%&'*+-^_`{|}~: y\r\nsUBJECT: z\r\n\r\nx\r\n",
    "twice": b"Subject: x\r\nSubject: y\r\nFrom: a@b.example\r\nFrom: c@d.example\r\n\r\nx\r\n",
    "many fields": b"".join(b"X-Number-%d: %d\r\n" % (n, n) for n in range(1500)) + b"\r\nx\r\n",
    "empty body": b"Subject: x\r\n\r\n",
    "only line ends": b"Subject: x\r\n\r\n\r\n\r\n\r\n",
    "every octet": b"Subject: x\r\n\r\n" + EVERY_OCTET + b"\r\n" + EVERY_OCTET[::-1] * 3 + b"\r\n",
    "spaces at line ends": b"Subject: x\r\n\r\none \r\ntwo\t\r\n \r\n\t\r\n",
    "forged": FORGED + b"Subject: x\r\n" + FORGED + b"\r\nx\r\n",
    "traces": b"Received: from a by b; x\r\nDelivered-To: a@b.example\r\nX-Original-To: q\r\nSubject: x\r\n\r\nx\r\n",
    "mime": (
        b'Content-Type: multipart/mixed; boundary="=_x"\r\nMIME-Version: 1.0\r\nSubject: x\r\n\r\npreamble\r\n--=_x\r\n'
        b"Content-Transfer-Encoding: 8bit\r\n\r\n\xe9\r\n--=_x--\r\nepilogue\r\n"
    ),
    "5 MB": b"Subject: x\r\n\r\n" + b"".join(b".%075d\r\n" % n for n in range(65_000)),
}


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    with running(policies("example"), sunk=domains("example"), settings={"header_size_limit": "1000000"}) as one:
        yield one


def released(site: Site, octets: bytes, recipient: str = HELD) -> Arrived:
    """Send spam to be held, release it, and return what arrives."""
    reply = site.deliver(octets, "x@sender.example", [recipient], ("BODY=8BITMIME",), peer=SPAMMER)
    assert site.arrived() == []
    assert len(site.release(*site.held(reply.queue_id).values())) == 1
    (copy,) = site.arrived()
    return copy


@pytest.mark.parametrize("octets", MESSAGES.values(), ids=MESSAGES)
def test_every_octet_is_that_of_the_wire(site: Site, octets: bytes) -> None:
    copy = released(site, octets)
    assert copy.content.endswith(octets)
    above = Message(copy.content[: -len(octets)])
    assert [field.name.decode() for field in above.headers] == OURS
    assert above.header("X-Icodia-SpamFilter-WL") == "Released by admin@example.org"
    assert (above.header("X-Tamis-Verdict") or "").startswith("spam; action=hold; row=8 blacklisted-ip")
    assert (copy.sender, copy.recipient, copy.mail_parameters) == ("x@sender.example", HELD, {"BODY=8BITMIME"})


ODD = {
    "no header": b"\r\nno header at all\r\n",
    "no field first": b"no field\r\nSubject: y\r\n\r\nx\r\n",
    "no field later": b"Subject: x\r\nno field\r\nFrom: a@b.example\r\n\r\nx\r\n",
    "folded first": b" folded\r\nSubject: y\r\n\r\nx\r\n",
    "from a mailbox file": b"From a@b.example Thu Jan  1 12:00:00 2026\r\nSubject: x\r\n\r\nx\r\n",
    "space before the colon": b"Subject : x\r\nFrom\t: a@b.example\r\n\r\nx\r\n",
    "dropped fields": b"Bcc: c@b.example\r\nSubject: x\r\nReturn-Path: <x@y.example>\r\nContent-Length: 7\r\n\r\nx\r\n",
    "bare LF": b"Subject: x\r\n\r\nbare\nLF\n.\nx\r\n",
    "bare CR": b"Subject: x\r\n\r\none\rtwo\r\n\rthree\r\n\r\r\n",
    "line of 3000": b"Subject: x\r\n\r\n" + b"y" * 3000 + b"\r\n",
    "NUL in the header": b"Subject: \0x\0\r\nX-\xe9: y\r\n\r\n\0\r\n",
}


@pytest.mark.parametrize("octets", ODD.values(), ids=ODD)
def test_what_postfix_makes_of_any_message_it_has_made_of_the_released(site: Site, octets: bytes) -> None:
    """Postfix takes what is no header for the body, drops fields and mends others before a milter is asked."""
    site.deliver(octets, "x@sender.example", ["ann@plain.example"], ("BODY=8BITMIME",), peer=SPAMMER)
    (ham,) = site.arrived()
    # The last field above the message is Postfix's own trace.
    wanted = ham.content.rpartition(b" +0000 (UTC)\r\n")[2]
    assert wanted
    assert released(site, octets).content.rpartition(b" +0000\r\n")[2] == wanted


def test_a_message_without_an_end_of_its_header_gets_one(site: Site) -> None:
    """Nothing in the milter protocol tells it from a message with an empty body."""
    octets = b"Subject: header alone\r\n"
    assert released(site, octets).content.endswith(b" +0000\r\n" + octets + b"\r\n")


def test_what_was_delivered_once_is_not_delivered_again(site: Site) -> None:
    reply = site.deliver(letter(uuid.uuid4().hex), "x@sender.example", [HELD], peer=SPAMMER)
    (copy_id,) = site.held(reply.queue_id).values()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.release(copy_id), range(8)))
    assert sorted(answers) == [[]] * 7 + [[copy_id]]
    assert [copy.recipient for copy in site.arrived()] == [HELD]
    assert site.release(copy_id) == []
    assert site.arrived() == []


def test_what_is_released_is_not_judged_again(site: Site) -> None:
    before = site.tamis.log_text().count("event=decision")
    copy = released(site, letter(uuid.uuid4().hex))
    assert copy.header("X-Tamis-Verdict").startswith("spam; action=hold")
    assert site.tamis.log_text().count("event=decision") == before + 1
    assert site.held().get(HELD) is None


def test_the_same_message_again_is_one_held_message(site: Site) -> None:
    """A client that did not get our answer brings it again: what is held is held once."""
    octets = letter(uuid.uuid4().hex)
    first = site.deliver(octets, "x@sender.example", [HELD, "bob@tag.example"], peer=SPAMMER)
    again = site.deliver(octets, "x@sender.example", [HELD, "bob@tag.example"], peer=SPAMMER)
    assert (len(site.held(first.queue_id)), len(site.held(again.queue_id))) == (1, 0)
    # What stays in Postfix's own queue cannot be known to have been there.
    assert [copy.recipient for copy in site.arrived()] == ["bob@tag.example"] * 2
    site.release(*site.held(first.queue_id).values())
    assert [copy.recipient for copy in site.arrived()] == [HELD]
    site.deliver(octets, "x@sender.example", [HELD], peer=SPAMMER)
    # Whoever has had it may be sent it once more.
    assert site.held().get(HELD)
    assert site.arrived() == []
