"""Row 6: the envelope sender on a whitelist; by option the author, "NRP" in the header."""

import pytest

from tamis.contract import Context
from tamis.filters.whitelisted_sender import WhitelistedSender
from tamis.lists import Entry, ListName, Lists
from tamis.testing import hits, mail

FRIEND = [Entry(ListName.WHITELIST_SENDER, "ann@friend.example")]


def test_envelope_sender() -> None:
    message = mail("From: someone@else.example\n\nhello\n", sender="ann@friend.example")
    assert hits(WhitelistedSender(), message, lists=FRIEND) == ["WL_SENDER"]


def test_author() -> None:
    message = mail("From: Ann <ann@friend.example>\n\nhello\n", sender="bounce@mailer.example")
    assert hits(WhitelistedSender(), message, lists=FRIEND) == ["WL_AUTHOR"]


def test_author_only_by_option() -> None:
    message = mail("From: Ann <ann@friend.example>\n\nhello\n", sender="bounce@mailer.example")
    assert hits(WhitelistedSender(), message, WhitelistedSender.Options(author=False), FRIEND) == []


def test_words_of_the_header() -> None:
    message = mail("From: ann@friend.example\n\nhello\n", sender="ann@friend.example")
    context = Context(WhitelistedSender.Options(), message.recipients, Lists(FRIEND))
    first, second = WhitelistedSender().check(message, context)
    assert first.let_through == "Whitelisted EMail Address"
    assert second.let_through == "Whitelisted EMail Address From (NRP)"


@pytest.mark.parametrize(
    "header",
    [
        "From: ann@friend.example, evil@spam.example",
        "From: evil@spam.example\nFrom: ann@friend.example",
        'From: "ann@friend.example" <evil@spam.example>',
        "From: =?utf-8?q?ann=40friend.example?= <evil@spam.example>",
        "From: evil@spam.example (ann@friend.example)",
        "Sender: ann@friend.example\nFrom: evil@spam.example",
        "Reply-To: ann@friend.example",
    ],
)
def test_an_author_that_can_be_doubted_is_none(header: str) -> None:
    message = mail(f"{header}\n\nhello\n", sender="evil@spam.example")
    assert hits(WhitelistedSender(), message, lists=FRIEND) == []


def test_clean() -> None:
    assert hits(WhitelistedSender(), mail("From: x@y.example\n\nhello\n", sender=""), lists=FRIEND) == []
