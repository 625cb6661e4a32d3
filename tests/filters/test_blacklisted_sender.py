"""Row 9: the envelope sender on a blacklist, by address, domain, or parent domain."""

import pytest

from tamis.filters.blacklisted_sender import BlacklistedSender
from tamis.lists import Entry, ListName
from tamis.testing import hits, mail

MAIL = "From: someone@else.example\n\nhello\n"


def names(listed: str, sender: str, domain: str = "") -> list[str]:
    entry = Entry(ListName.BLACKLIST_SENDER, listed, domain)
    return hits(BlacklistedSender(), mail(MAIL, sender=sender), lists=[entry])


@pytest.mark.parametrize(
    ("listed", "sender"),
    [
        ("ann@bad.example", "<Ann@BAD.example>"),
        ("bad.example", "anybody@bad.example"),
        (".bad.example", "x@deep.down.bad.example"),
        (".bad.example", "x@bad.example"),
        ("xn--bcher-kva.example", "x@bücher.example"),
    ],
)
def test_hit(listed: str, sender: str) -> None:
    assert names(listed, sender) == ["BL_SENDER"]


@pytest.mark.parametrize(
    ("listed", "sender"),
    [
        ("ann@bad.example", "bob@bad.example"),
        ("bad.example", "x@sub.bad.example"),
        (".bad.example", "x@notbad.example"),
        ("bad.example", ""),
    ],
)
def test_clean(listed: str, sender: str) -> None:
    assert names(listed, sender) == []


def test_the_author_is_not_the_envelope_sender() -> None:
    assert names("else.example", "x@good.example") == []


def test_another_domains_entry_does_not_hold() -> None:
    assert names("bad.example", "x@bad.example", "example.net") == []
