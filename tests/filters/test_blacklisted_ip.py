"""Row 8: the peer on the platform's or the recipient domain's blacklist."""

import pytest

from tamis.contract import Abstain
from tamis.filters.blacklisted_ip import BlacklistedIP
from tamis.lists import Entry, ListName
from tamis.testing import hits, mail

MAIL = "From: ann@sender.example\n\nhello\n"
LISTED = [
    Entry(ListName.BLACKLIST_IP, "198.51.100.0/24"),
    Entry(ListName.BLACKLIST_IP, "2001:db8:bad::/48", "example.org"),
    Entry(ListName.WHITELIST_IP, "203.0.113.1"),
]


def test_hit() -> None:
    assert hits(BlacklistedIP(), mail(MAIL, peer="198.51.100.9"), lists=LISTED) == ["BL_IP"]
    assert hits(BlacklistedIP(), mail(MAIL, peer="2001:db8:bad::1"), lists=LISTED) == ["BL_IP"]


def test_clean() -> None:
    assert hits(BlacklistedIP(), mail(MAIL, peer="203.0.113.1"), lists=LISTED) == []
    elsewhere = mail(MAIL, peer="2001:db8:bad::1", recipients=["bob@example.net"])
    assert hits(BlacklistedIP(), elsewhere, lists=LISTED) == []


def test_abstains_where_the_peer_is_not_known() -> None:
    with pytest.raises(Abstain):
        hits(BlacklistedIP(), mail(MAIL, peer=""), lists=LISTED)
