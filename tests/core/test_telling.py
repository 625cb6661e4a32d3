"""Whose held mail may be answered: SPEC, section 3, and RFC 3834, section 2."""

from types import SimpleNamespace

import pytest

from tamis.authentication import Authentication
from tamis.dns.zone import ZoneDns
from tamis.filters.order import BY_NAME
from tamis.mail import Mail, parse_ip
from tamis.message import Message
from tamis.telling import Telling, of_copy, of_message, person
from tests.quarantine.held import verdict

PERSON = "From: Ann <ann@sender.example>\nTo: bob@example.org\nSubject: lunch\n{}\nshall we?\n"


def told(fields: str = "", sender: str = "ann@sender.example", result: str = "pass", domain: str = "") -> Telling:
    message = Message(PERSON.format(f"{fields}\n" if fields else "").encode())
    mail = Mail(message, peer=parse_ip("192.0.2.7"), sender=sender, recipients=["bob@example.org"])
    said = SimpleNamespace(result=result, domain=domain or mail.sender_domain)
    return of_message(mail, Authentication(mail, ZoneDns({}), lambda *_: said))


def test_a_proved_person_is_told() -> None:
    assert told() is Telling.WAITING
    assert told(sender="Ann+Shop@Sender.Example") is Telling.WAITING
    assert told(sender="prvs=1234abcdef=ann@sender.example") is Telling.WAITING


@pytest.mark.parametrize("result", ["none", "neutral", "softfail", "temperror", "permerror"])
def test_who_is_not_proved_is_not_told(result: str) -> None:
    assert told(result=result) is Telling.UNPROVED


def test_a_pass_for_another_domain_proves_nothing() -> None:
    assert told(domain="elsewhere.example") is Telling.UNPROVED
    assert told(domain="mail.sender.example") is Telling.WAITING
    assert of_message(Mail(Message(b"x"), sender="a@b.example"), None) is Telling.UNPROVED


def test_nobody_is_told_after_spf() -> None:
    assert told(result="fail") is Telling.SPF


def test_the_null_sender_is_never_told() -> None:
    assert told(sender="") is Telling.NULL_SENDER
    assert told(sender="<>") is Telling.NULL_SENDER
    assert told(sender="nobody") is Telling.NULL_SENDER
    mail = Mail(Message(b"x"), sender="ann@sender.example", sender_known=False)
    assert of_message(mail, None) is Telling.NULL_SENDER


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (by a machine)",
        "auto-submitted: AUTO-NOTIFIED; owner-email=x",
        "X-Auto-Response-Suppress: All",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
    ],
)
def test_machines_are_not_told(field: str) -> None:
    assert told(field) is Telling.AUTOMATIC


@pytest.mark.parametrize(
    "field",
    [
        "List-Id: <x.example>",
        "List-Unsubscribe: <mailto:x@y.example>",
        "List-Post: NO",
        "Precedence: bulk",
        "Precedence: List",
        "Precedence: junk",
        "Feedback-ID: 1:2:3",
    ],
)
def test_lists_and_bulk_are_not_told(field: str) -> None:
    assert told(field) is Telling.BULK


@pytest.mark.parametrize(
    "local",
    [
        "owner-list",
        "list-request",
        "list-bounces",
        "list-bounces+ann=example.org",
        "bounce-17",
        "bounces+17-abcd-ann=example.org",
        "no-reply",
        "noreply",
        "do.not.reply",
        "MAILER-DAEMON",
        "postmaster",
        "listserv",
        "SRS0=abcd=ef=author.example=ann",
        "newsletter",
        "msg-ann=example.org",
    ],
)
def test_addresses_that_want_no_answer_get_none(local: str) -> None:
    assert told(sender=f"{local}@sender.example") is Telling.BULK


@pytest.mark.parametrize("local", ["ann", "rebounce", "annoreply", "newsom", "a.listserver", "root.cause"])
def test_names_that_only_look_like_them(local: str) -> None:
    assert told(sender=f"{local}@sender.example") is Telling.WAITING


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Telling.WAITING),
        ({"malware": True}, Telling.MALWARE),
        ({"row": BY_NAME["spf"]}, Telling.SPF),
        ({"row": BY_NAME["honeypot"]}, Telling.TRAP),
        ({"row": None}, Telling.WAITING),
    ],
)
def test_what_decided_counts_for_each_copy(values: dict[str, object], expected: Telling) -> None:
    assert of_copy(Telling.WAITING, verdict(**values)) is expected
    if expected is Telling.WAITING:
        assert of_copy(Telling.BULK, verdict(**values)) is Telling.BULK


@pytest.mark.parametrize(
    ("sender", "who"),
    [
        ("ann@x.example", "ann@x.example"),
        ("ann+1@x.example", "ann@x.example"),
        ("prvs=1234abcdef=ann@x.example", "ann@x.example"),
        ("btv1==12ab==ann+shop@x.example", "ann@x.example"),
        ("+1@x.example", "+1@x.example"),
        ("", ""),
    ],
)
def test_one_person_has_many_addresses(sender: str, who: str) -> None:
    assert person(sender) == who


def test_every_state_has_its_words_and_fits_its_column() -> None:
    for one in Telling:
        assert bool(one.words) is (one is not Telling.NOT_HELD)
        assert len(one.value) <= 12
