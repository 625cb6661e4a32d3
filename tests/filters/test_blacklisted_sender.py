"""Row 9."""

import pytest

from tamis.filters.blacklisted_sender import BlacklistedSender
from tamis.lists import Entry, ListName
from tamis.testing import hits, mail

FILTER = BlacklistedSender()
MAIL = "From: Ann <ann@example.net>\n\nbody\n"


def entry(value: str, domain: str = "") -> Entry:
    return Entry(ListName.BLACKLIST_SENDER, value, domain)


@pytest.mark.parametrize("value", ["eve@evil.example", "evil.example", ".evil.example", ".example"])
def test_hit(value: str) -> None:
    assert hits(FILTER, mail(MAIL, sender="Eve@Evil.Example"), lists=[entry(value)]) == ["BL_SENDER"]
    assert hits(FILTER, mail(MAIL, sender="Eve@Evil.Example"), lists=[entry(value, "example.org")]) == ["BL_SENDER"]


def test_clean() -> None:
    others = [entry("other@evil.example"), entry("evil.example", "example.com"), entry("example.net")]
    assert hits(FILTER, mail(MAIL, sender="eve@evil.example"), lists=others) == []


def test_the_null_sender_is_never_matched() -> None:
    assert hits(FILTER, mail(MAIL, sender="<>"), lists=[entry(".example"), entry("example.net")]) == []
