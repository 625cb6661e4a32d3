"""Row 4."""

import pytest

from tamis.contract import Abstain, Context
from tamis.filters.whitelisted_ip import WhitelistedIP
from tamis.lists import Entry, ListName, Lists
from tamis.testing import hits, mail

FILTER = WhitelistedIP()
MAIL = "From: ann@example.net\n\nbody\n"


def entry(value: str, domain: str = "") -> Entry:
    return Entry(ListName.WHITELIST_IP, value, domain)


@pytest.mark.parametrize(
    ("peer", "value"),
    [("192.0.2.7", "192.0.2.7"), ("192.0.2.7", "192.0.2.0/24"), ("2001:db8::7", "2001:db8::/32"), ("::1", "::1")],
)
def test_hit(peer: str, value: str) -> None:
    assert hits(FILTER, mail(MAIL, peer=peer), lists=[entry(value)]) == ["WL_IP"]


def test_hit_of_a_domain_is_for_its_recipients() -> None:
    message = mail(MAIL, recipients=["bob@example.org", "carol@example.com"])
    context = Context(recipients=message.recipients, lists=Lists([entry("192.0.2.7", "example.org")]))
    (hit,) = FILTER.check(message, context)
    assert (hit.decides, hit.domain, hit.let_through) == (True, "example.org", "Whitelisted Peer IP")
    assert hit.because == "peer matches 192.0.2.7 (whitelist_ip of example.org)"


def test_clean() -> None:
    others = [
        entry("192.0.2.8"),
        entry("2001:db8::/32"),
        entry("192.0.2.7", "example.com"),
        Entry(ListName.BLACKLIST_IP, "192.0.2.7"),
    ]
    assert hits(FILTER, mail(MAIL, peer="192.0.2.7"), lists=others) == []
    assert hits(FILTER, mail(MAIL)) == []


def test_abstains_without_a_peer() -> None:
    with pytest.raises(Abstain, match="the peer is not known"):
        hits(FILTER, mail(MAIL, peer=""), lists=[entry("0.0.0.0/0")])
