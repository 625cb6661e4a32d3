"""Row 4: IPv4 and IPv6 networks, of the platform and of the recipients' domains."""

from datetime import UTC, datetime, timedelta

import pytest

from tamis.contract import Abstain, Context
from tamis.filters.whitelisted_ip import WhitelistedIP
from tamis.lists import Entry, ListName, Lists
from tamis.testing import hits, mail

MAIL = "From: ann@sender.example\n\nhello\n"


def entry(value: str, domain: str = "", expires: datetime | None = None) -> Entry:
    return Entry(ListName.WHITELIST_IP, value, domain, expires=expires)


@pytest.mark.parametrize(
    ("listed", "peer"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.0/24", "192.0.2.255"),
        ("2001:db8::/32", "2001:db8:1::7"),
        ("2001:db8::7", "IPv6:2001:db8::7"),
        ("192.0.2.0/24", "::ffff:192.0.2.7"),
        ("0.0.0.0/0", "203.0.113.1"),
    ],
)
def test_hit(listed: str, peer: str) -> None:
    assert hits(WhitelistedIP(), mail(MAIL, peer=peer), lists=[entry(listed)]) == ["WL_IP"]


@pytest.mark.parametrize(
    ("listed", "peer"), [("192.0.2.0/24", "192.0.3.1"), ("2001:db8::/32", "2001:db9::1"), ("0.0.0.0/0", "2001:db8::1")]
)
def test_clean(listed: str, peer: str) -> None:
    assert hits(WhitelistedIP(), mail(MAIL, peer=peer), lists=[entry(listed)]) == []


def test_a_domains_entry_holds_for_that_domain_alone() -> None:
    message = mail(MAIL, recipients=["ann@example.org", "bob@example.net"])
    context = Context(recipients=message.recipients, lists=Lists([entry("192.0.2.7", "example.net")]))
    (hit,) = WhitelistedIP().check(message, context)
    assert hit.applies_to("bob@example.net", "example.net")
    assert not hit.applies_to("ann@example.org", "example.org")
    assert hit.let_through == "Whitelisted Peer IP"


def test_an_entry_that_is_over_holds_no_more() -> None:
    over = entry("192.0.2.7", expires=datetime.now(UTC) - timedelta(seconds=1))
    assert hits(WhitelistedIP(), mail(MAIL), lists=[over]) == []


def test_abstains_where_the_peer_is_not_known() -> None:
    with pytest.raises(Abstain):
        hits(WhitelistedIP(), mail(MAIL, peer=""), lists=[entry("0.0.0.0/0")])
