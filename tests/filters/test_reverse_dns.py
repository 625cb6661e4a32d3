"""Row 10: a peer without a name in the DNS."""

import pytest

from tamis.contract import Abstain
from tamis.dns.zone import ZoneText
from tamis.filters.reverse_dns import ReverseDns
from tamis.testing import hits, mail, queries

PTR = "7.2.0.192.in-addr.arpa PTR"
GOOD: ZoneText = {PTR: ["mail.sender.example"], "mail.sender.example": ["192.0.2.7"]}


def asked(zone: ZoneText | None, peer: str = "192.0.2.7") -> list[str]:
    return hits(ReverseDns(), mail("", peer=peer), dns=zone)


def test_a_name_that_points_back_is_clean() -> None:
    assert asked(GOOD) == []


@pytest.mark.parametrize(
    "zone", [{}, {"7.2.0.192.in-addr.arpa TXT": ["no PTR here"]}, {PTR: ["."]}], ids=["nxdomain", "nodata", "root"]
)
def test_no_name_decides(zone: ZoneText) -> None:
    assert asked(zone) == ["RDNS_NONE"]


@pytest.mark.parametrize("failure", ["SERVFAIL", "REFUSED", "TIMEOUT"])
def test_a_failure_never_decides(failure: str) -> None:
    with pytest.raises(Abstain, match=failure.lower()):
        asked({PTR: failure})


def test_without_a_dns_it_abstains() -> None:
    with pytest.raises(Abstain, match="unavailable"):
        asked(None)


@pytest.mark.parametrize("forward", [["192.0.2.8"], None], ids=["elsewhere", "nowhere"])
def test_a_name_that_does_not_point_back_only_scores(forward: list[str] | None) -> None:
    zone = {PTR: ["mail.sender.example"], **({"mail.sender.example": forward} if forward else {})}
    assert asked(zone) == ["RDNS_UNCONFIRMED"]


def test_a_failure_on_the_way_back_says_nothing() -> None:
    assert asked({PTR: ["mail.sender.example"], "mail.sender.example": "SERVFAIL"}) == []


def test_one_name_of_several_is_enough() -> None:
    zone = {PTR: ["other.example", "mail.sender.example"], "mail.sender.example": ["192.0.2.9", "192.0.2.7"]}
    assert asked(zone) == []


def test_a_classless_delegation_is_followed() -> None:
    zone = {
        "7.2.0.192.in-addr.arpa CNAME": ["7.0-15.2.0.192.in-addr.arpa"],
        "7.0-15.2.0.192.in-addr.arpa PTR": ["m.example"],
    }
    assert asked({**zone, "m.example": ["192.0.2.7"]}) == []


def test_ipv6() -> None:
    name = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR"
    assert asked({}, "2001:db8::1") == ["RDNS_NONE"]
    assert asked({name: ["six.example"], "six.example AAAA": ["2001:DB8::1"]}, "2001:db8::1") == []
    assert asked({name: ["six.example"], "six.example": ["192.0.2.7"]}, "2001:db8::1") == ["RDNS_UNCONFIRMED"]


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "100.64.0.1", "::1", "fd00::1", "fe80::1"])
def test_private_peers_abstain(peer: str) -> None:
    assert queries(ReverseDns(), mail("", peer=peer)) == []
    with pytest.raises(Abstain, match="private"):
        asked({}, peer)


def test_the_name_that_the_mta_verified_does_not_matter() -> None:
    assert hits(ReverseDns(), mail("", rdns="mail.sender.example"), dns={}) == ["RDNS_NONE"]
    assert hits(ReverseDns(), mail("", rdns=""), dns=GOOD) == []


def test_it_is_asked_ahead() -> None:
    assert queries(ReverseDns(), mail("")) == [PTR]
