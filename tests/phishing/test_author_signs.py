"""Row 33: authors who pretend. Each sign is found in a message written for it, and in no plain one."""

import pytest

from tamis.contract import Context
from tamis.filters.malformed_headers import MalformedHeaders
from tamis.phishing.author_signs import SIGNS
from tamis.testing import mail

OWN = "ann.smith@example-corp.org"
FILTER = MalformedHeaders()
OPTIONS = MalformedHeaders.Options(protected_names=("Carol Director", "  "))


def author(value: str, *more: str) -> str:
    return "\n".join([f"From: {value}", *more, "", "hello", ""])


def found(text: str, recipient: str = OWN) -> list[str]:
    context = Context(options=OPTIONS, recipients=[recipient])
    return [hit.name for hit in FILTER.check(mail(text.encode(), recipients=[recipient]), context) if hit.name in SIGNS]


FIRED = {
    "FROM_NAME_BRAND": author("PayPal Service <x@example.net>"),
    "FROM_NAME_BRAND_AMONG": author("Visit Amazon with Example <x@example.net>"),
    "FROM_NAME_BRAND_FREEMAIL": author("PayPal <paypal1234@gmail.com>"),
    "FROM_NAME_OWN": author("Example-Corp <x@example.net>").replace("Example-Corp", "examplecorp"),
    "FROM_NAME_RECIPIENT": author("ann.smith <x@example.net>"),
    "FROM_NAME_PROTECTED": author("Carol DIRECTOR <x@example.net>"),
    "FROM_NAME_ADDRESS": author('"carol@example-corp.org" <x@example.net>'),
    "FROM_NAME_DOMAIN": author("www.example.com <x@example.net>"),
    "FROM_NAME_MIXED_SCRIPT": author("=?utf-8?q?B=D0=B0nk?= <x@example.net>"),
    "FROM_NAME_STYLED": author("=?utf-8?b?8J2QgPCdkJrwnZCa?= <x@example.net>"),
    "FROM_NAME_MARKS": author("=?utf-8?b?4oeRIEFubg==?= <x@example.net>"),
    "FROM_LOCAL_RUN": author("Ann <postagestampbandguitar@example.net>"),
    "FROM_CHEAP": author("x@example.shop"),
    "FROM_ANYBODY": author("x@some.onmicrosoft.com"),
    "FROM_BRAND_LOOKALIKE": author("x@paypa1.com"),
    "FROM_BRAND_WORD": author("x@paypal-secure.example.net"),
    "FROM_OWN_LOOKALIKE": author("x@exarnple-corp.org"),
    "REPLY_TO_FREEMAIL": author("x@example.net", "Reply-To: y@gmail.com"),
    "REPLY_TO_OTHER_FREEMAIL": author("x@yahoo.com", "Reply-To: y@gmail.com"),
    "REPLY_TO_OTHER_DOMAIN": author("x@example.net", "Reply-To: y@example.com"),
    "REPLY_TO_LOOKALIKE": author("x@example-corp.net", "Reply-To: y@exemple-corp.net"),
}
TOGETHER = {
    "FROM_NAME_BRAND_FREEMAIL": ["FROM_NAME_BRAND"],
    "REPLY_TO_FREEMAIL": ["REPLY_TO_OTHER_DOMAIN"],
    "REPLY_TO_OTHER_FREEMAIL": ["REPLY_TO_OTHER_DOMAIN"],
    "REPLY_TO_LOOKALIKE": ["REPLY_TO_OTHER_DOMAIN"],
}
RECIPIENT = {"FROM_NAME_OWN": "ann@examplecorp.org"}


def test_every_sign_has_its_message() -> None:
    assert list(FIRED) == list(SIGNS)


@pytest.mark.parametrize("name", FIRED)
def test_hit(name: str) -> None:
    """And nothing that is not bound to go with it."""
    assert sorted(found(FIRED[name], RECIPIENT.get(name, OWN))) == sorted([name, *TOGETHER.get(name, [])])


@pytest.mark.parametrize(
    "text",
    [
        author("Ann Example <ann@example.net>"),
        author("PayPal <service@paypal.fr>"),
        author("PayPal <service@mail.paypal.com>"),
        author("Orange Juice Company <x@example.net>"),
        author("Carol Director <carol@example-corp.org>"),
        author("Carol Directory <x@example.net>"),
        author("example test robot <x@example.net>"),
        author("carol@example.net <carol@mail.example.net>"),
        author("Dr.Ruud <x@example.net>"),
        author("=?utf-8?b?0JDQvdC90LA=?= <x@example.net>"),
        author("=?utf-8?b?4pyoIEFubg==?= <x@example.net>"),
        author("=?utf-8?b?4p6h77iPIEFubg==?= <x@example.net>"),
        author("Christopher Williamson <christopherwilliamson@example.net>"),
        author("Example <customernotifications@example.net>"),
        author("x@shop.example.net"),
        author("x@example-corp.org"),
        author("x@example.net", "Reply-To: y@mail.example.net"),
        author("x@example.net", "Reply-To: list@example.com", "List-Id: <list.example.com>"),
        author("x@example.net", "Reply-To: "),
        author(""),
        "hello\n",
    ],
)
def test_clean(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("name", ["FROM_NAME_PROTECTED", "FROM_OWN_LOOKALIKE", "FROM_NAME_RECIPIENT"])
def test_what_is_about_ones_own_house_is_about_that_domain_alone(name: str) -> None:
    (hit,) = (
        hit
        for hit in FILTER.check(
            mail(FIRED[name], recipients=[OWN, "bob@other.example"]),
            Context(options=OPTIONS, recipients=[OWN]),
        )
        if hit.name == name
    )
    assert hit.domain == "example-corp.org"


def test_names_of_ones_own_people_are_an_option() -> None:
    text = FIRED["FROM_NAME_PROTECTED"]
    context = Context(options=MalformedHeaders.Options(), recipients=[OWN])
    assert "FROM_NAME_PROTECTED" not in [hit.name for hit in FILTER.check(mail(text), context)]
    assert found(author('"Director, Carol" <x@example.net>')) == ["FROM_NAME_PROTECTED"]
    assert found(author("=?utf-8?q?C=D0=B0rol_Director?= <x@example.net>")) == [
        "FROM_NAME_MIXED_SCRIPT",
        "FROM_NAME_PROTECTED",
    ]


def test_a_freemail_domain_is_nobodys_house() -> None:
    assert found(author("Gmail <x@example.net>"), "ann@gmail.com") == []
