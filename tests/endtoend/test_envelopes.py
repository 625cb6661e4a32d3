"""What the sender said of a message besides its text goes with every copy, and each recipient is found again."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from email import message_from_bytes

import pytest

from tests.endtoend.site import SPAMMER, Arrived, Site, domains, letter, policies, running

pytestmark = pytest.mark.servers

DOMAINS = domains("example")


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    # What ends in the Maildir has arrived, and the sender may be told so; where it is handed on, it may not.
    toml = policies("example", "stored.example", "xn--exmple-cua.example")
    international = domains("exämple.example")
    with running(
        toml,
        sunk=[*DOMAINS, *international],
        stored=domains("stored.example"),
        settings={"recipient_delimiter": "+"},
    ) as one:
        yield one


def everything(
    site: Site, octets: bytes, sender: str, recipients: Sequence[str], *options: Sequence[str]
) -> list[Arrived]:
    """Send spam, release what is held of it, and return every copy."""
    reply = site.deliver(octets, sender, recipients, *options, peer=SPAMMER)
    copies = site.arrived()
    held = site.held(reply.queue_id)
    assert sorted(site.release(*held.values())) == sorted(held.values())
    return copies + site.arrived()


def test_parameters_go_with_every_copy(site: Site) -> None:
    wishes = ("FAILURE", "DELAY", "SUCCESS,DELAY", "NEVER", "FAILURE,DELAY", "SUCCESS,FAILURE,DELAY")
    recipients = {
        f"user@{domain}": (f"NOTIFY={wish}", f"ORCPT=rfc822;{mode}+2B1@else.example")
        for domain, mode, wish in zip(DOMAINS, "abcdef", wishes, strict=True)
    }
    mail = ("RET=HDRS", "ENVID=QQ+2B314", "BODY=8BITMIME")
    octets = letter(uuid.uuid4().hex) + "é\r\n".encode()
    copies = everything(site, octets, "x@sender.example", list(recipients), mail, recipients)
    assert sorted(copy.recipient for copy in copies) == sorted(recipients)
    for copy in copies:
        assert copy.sender == "x@sender.example"
        assert copy.mail_parameters >= set(mail)
        assert set(copy.parameters) == set(recipients[copy.recipient])
        assert copy.content.endswith("é\r\n".encode())


def test_a_parameter_that_was_not_said_is_not_made_up(site: Site) -> None:
    recipients = [f"user@{domain}" for domain in DOMAINS]
    for copy in everything(site, letter(uuid.uuid4().hex), "x@sender.example", recipients):
        assert not {word.partition("=")[0] for word in copy.mail_parameters} & {"RET", "ENVID", "SMTPUTF8"}
        # ORCPT is the address as this Postfix got it (RFC 3461, section 4.2).
        assert copy.parameters == {f"ORCPT=rfc822;{copy.recipient}"}


def notices(site: Site, count: int) -> list[tuple[str, str]]:
    """Action and recipient of each notice that the sender got."""
    copies: list[Arrived] = []
    while len(copies) < count and (new := site.arrived()):
        copies += new
    found = []
    for copy in copies:
        assert (copy.sender, copy.recipient) == ("", "x@sender.example")
        report = message_from_bytes(copy.content)
        assert report.get_content_type() == "multipart/report"
        for block in report.get_payload()[1].get_payload()[1:]:
            found.append((block["Action"], block["Final-Recipient"].partition(";")[2].strip()))
    return found


def test_one_notice_of_success_for_each_recipient(site: Site) -> None:
    recipients = [f"user@{domain}" for domain in domains("stored.example")]
    held = "user@quarantine.stored.example"
    reply = site.deliver(
        letter(uuid.uuid4().hex), "x@sender.example", recipients, (), ("NOTIFY=SUCCESS,FAILURE",), peer=SPAMMER
    )
    told = notices(site, len(recipients) - 1)
    # What is held has not arrived, and nobody says that it has.
    assert Counter(told) == Counter(("delivered", one) for one in recipients if one != held)
    assert site.release(*site.held(reply.queue_id).values())
    assert notices(site, 1) == [("delivered", held)]
    time.sleep(0.5)
    assert site.arrived() == []


def test_no_notice_where_none_was_asked_for(site: Site) -> None:
    recipients = [f"user@{domain}" for domain in domains("stored.example")]
    assert everything(site, letter(uuid.uuid4().hex), "x@sender.example", recipients) == []


ADDRESSES = {
    "plain": ["user@{0}"],
    "no domain": ["postmaster"],
    "upper case": ["User@{0}", "UPPER@{0}"],
    "domain in upper case": ["user@{1}", "other@{0}"],
    "extension": ["user+ext@{0}", "user@{0}", "user+other@{0}"],
    "quoted": ['"quoted part"@{0}', r'"with \"quotes\" and \\"@{0}', '".dots..everywhere."@{0}'],
    "needlessly quoted": ['"needless"@{0}'],
    "angles and commas": ['"<x>"@{0}', '"a, b"@{0}'],
    "source route": ["@relay.example,@other.example:routed@{0}"],
    "said twice": ["twice@{0}", "other@{0}", "twice@{0}"],
    "said twice in other letters": ["Twice@{0}", "twice@{0}", "TWICE@{0}"],
    "odd characters": ["#$&'*/=?^_`{{|}}~-@{0}"],
    "long": ["x" * 64 + "@{0}"],
}


@pytest.mark.parametrize("spellings", ADDRESSES.values(), ids=ADDRESSES)
def test_each_recipient_is_the_one_that_was_said(site: Site, spellings: list[str]) -> None:
    """What Postfix makes of the addresses of ham, it makes of those of spam in every mode."""
    recipients = [spelling.format(domain, domain.upper()) for domain in DOMAINS for spelling in spellings]
    site.deliver(letter(uuid.uuid4().hex), "x@sender.example", recipients)
    wanted = sorted(copy.recipient for copy in site.arrived())
    assert wanted
    copies = everything(site, letter(uuid.uuid4().hex), "x@sender.example", recipients)
    assert sorted(copy.recipient for copy in copies) == wanted


@pytest.mark.parametrize("sender", ["", "x@sender.example", '"odd part"@sender.example', "X+Ext@Sender.Example"])
def test_the_sender_is_the_one_that_was_said(site: Site, sender: str) -> None:
    recipients = [f"user@{domain}" for domain in DOMAINS]
    copies = everything(site, letter(uuid.uuid4().hex), sender, recipients)
    assert sorted(copy.recipient for copy in copies) == sorted(recipients)
    for copy in copies:
        assert copy.sender == sender
        assert copy.header("X-Error-Return-Path") == f"<{sender}>"


def test_international_addresses(site: Site) -> None:
    recipients = [f"jürgen@{domain}" for domain in domains("exämple.example")]
    subject = uuid.uuid4().hex
    octets = letter(f"déjà vu {subject}")
    mail = ("SMTPUTF8", "BODY=8BITMIME")
    copies = everything(site, octets, "jörg@sender.example", recipients, mail)
    assert sorted(copy.recipient for copy in copies) == sorted(recipients)
    for copy in copies:
        assert copy.sender == "jörg@sender.example"
        assert copy.mail_parameters >= set(mail)
        assert f"déjà vu {subject}\r\n".encode() in copy.content
        assert copy.content.count(b"SPAM: ") == ("tag" in copy.recipient.partition("@")[2].partition(".")[0])
