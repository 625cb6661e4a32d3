"""Row 6."""

from datetime import UTC, datetime, timedelta

import pytest

from tamis.contract import Context
from tamis.filters.whitelisted_sender import WhitelistedSender
from tamis.lists import Entry, ListName, Lists
from tamis.testing import hits, mail

FILTER = WhitelistedSender()
WITHOUT_AUTHOR = WhitelistedSender.Options(author=False)
MAIL = "From: Ann <ann@example.net>\n\nbody\n"


def entry(value: str, domain: str = "") -> Entry:
    return Entry(ListName.WHITELIST_SENDER, value, domain)


@pytest.mark.parametrize("value", ["bounce@lists.example", "lists.example", ".lists.example", ".example"])
def test_hit_on_the_envelope_sender(value: str) -> None:
    message = mail(MAIL, sender="<Bounce@Lists.Example>")
    assert hits(FILTER, message, WITHOUT_AUTHOR, lists=[entry(value)]) == ["WL_SENDER"]


@pytest.mark.parametrize("value", ["ann@example.net", "example.net", ".net"])
def test_hit_on_the_author(value: str) -> None:
    assert hits(FILTER, mail(MAIL, sender="bounce@lists.example"), lists=[entry(value)]) == ["WL_AUTHOR"]
    assert hits(FILTER, mail(MAIL, sender=""), lists=[entry(value)]) == ["WL_AUTHOR"]


def test_hit_on_both_names_the_envelope_first() -> None:
    assert hits(FILTER, mail(MAIL, sender="ann@example.net"), lists=[entry("example.net")]) == [
        "WL_SENDER",
        "WL_AUTHOR",
    ]


def test_the_words_of_the_header() -> None:
    message = mail(MAIL, sender="ann@example.net", recipients=["bob@example.org"])
    context = Context(FILTER.Options(), message.recipients, Lists([entry("ann@example.net", "example.org")]))
    envelope, author = FILTER.check(message, context)
    assert (envelope.let_through, author.let_through) == (
        "Whitelisted EMail Address",
        "Whitelisted EMail Address From (NRP)",
    )
    assert envelope.decides
    assert author.decides
    assert envelope.domain == author.domain == "example.org"


def test_the_author_is_an_option() -> None:
    assert hits(FILTER, mail(MAIL, sender=""), WITHOUT_AUTHOR, lists=[entry("example.net")]) == []


@pytest.mark.parametrize(
    "header",
    [
        "From: ann@example.net\nFrom: eve@evil.example",
        "From: eve@evil.example\nFrom: ann@example.net",
        "From: ann@example.net, eve@evil.example",
        'From: "ann@example.net" <eve@evil.example>',
        "From: ann@example.net <eve@evil.example>",
        "From: =?utf-8?q?ann=40example=2Enet?= <eve@evil.example>",
        "From: =?utf-8?q?ann=40example=2Enet=2C?= <eve@evil.example>",
        "From: eve@evil.example (ann@example.net)",
        "From: <ann@example.net> <eve@evil.example>",
        "From: ann@example.net.evil.example",
        "From: eve@evil.example\nSender: ann@example.net\nReply-To: ann@example.net",
        "Subject: x\n\nFrom: ann@example.net",
        "X-From: ann@example.net",
    ],
)
def test_nobody_gets_in_with_another_name(header: str) -> None:
    assert hits(FILTER, mail(f"{header}\n\nbody\n", sender="eve@evil.example"), lists=[entry("ann@example.net")]) == []


def test_clean() -> None:
    others = [
        entry("eve@example.net"),
        entry("mail.example.net"),
        entry("ann@example.net", "example.com"),
        Entry(ListName.BLACKLIST_SENDER, "ann@example.net"),
    ]
    assert hits(FILTER, mail(MAIL, sender="ann@example.net"), lists=others) == []
    assert hits(FILTER, mail("Subject: x\n\n", sender=""), lists=others) == []


def test_an_ended_entry_is_none() -> None:
    ended = Entry(ListName.WHITELIST_SENDER, "example.net", expires=datetime.now(UTC) - timedelta(seconds=1))
    assert hits(FILTER, mail(MAIL, sender="ann@example.net"), lists=[ended]) == []
