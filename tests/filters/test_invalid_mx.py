"""Row 15: domains of envelope senders that no reply can reach."""

from collections.abc import Mapping

import pytest

from tamis import limits
from tamis.contract import Abstain, Context, Hit
from tamis.dns.zone import ZoneDns, ZoneText
from tamis.filters.invalid_mx import InvalidMx
from tamis.testing import hits, mail, queries

MX, A, AAAA = "sender.example MX", "sender.example A", "sender.example AAAA"
MAIL_HOST: ZoneText = {"mx.sender.example": ["198.51.100.1"]}
PTR = "7.2.0.192.in-addr.arpa PTR"
WITH_PEER = InvalidMx.Options(peer_domain=True)


def asked(
    zone: ZoneText | None, sender: str = "ann@sender.example", options: InvalidMx.Options | None = None
) -> list[str]:
    return hits(InvalidMx(), mail("", sender=sender), options, dns=zone)


@pytest.mark.parametrize(
    "zone",
    [
        {MX: ["10 mx.sender.example"], **MAIL_HOST},
        {MX: ["10 mx.sender.example"], "mx.sender.example AAAA": ["2001:db8::1"]},
        {MX: ["10 gone.sender.example", "20 mx.sender.example"], **MAIL_HOST},
        {MX: ["10 inside.example", "20 mx.sender.example"], "inside.example": ["10.0.0.1"], **MAIL_HOST},
        {MX: ["0 .", "20 mx.sender.example"], **MAIL_HOST},
        {MX: ["10 mx.sender.example"], "mx.sender.example CNAME": ["m.example"], "m.example": ["198.51.100.1"]},
    ],
)
def test_clean(zone: ZoneText) -> None:
    assert asked(zone) == []


def test_an_address_without_mx_passes_with_a_note_that_weighs_nothing() -> None:
    for zone in ({A: ["198.51.100.1"]}, {AAAA: ["2001:db8::1"]}, {A: ["198.51.100.1"], AAAA: "SERVFAIL"}):
        (hit,) = _hits(zone)
        assert (hit.name, hit.decides, hit.amount) == ("NO_MX", False, 0.0)


@pytest.mark.parametrize(
    ("zone", "test"),
    [
        ({}, "MX_NONE"),
        ({"sender.example TXT": ["only this"]}, "MX_NONE"),
        ({MX: ["0 ."], A: ["198.51.100.1"]}, "MX_NULL"),
        ({MX: ["10 localhost"], "localhost": ["127.0.0.1"], "localhost AAAA": ["::1"]}, "MX_PRIVATE"),
        ({MX: ["10 mx.sender.example"], "mx.sender.example": ["192.168.1.1"]}, "MX_PRIVATE"),
        ({MX: ["10 mx.sender.example", "20 gone.example"], "mx.sender.example": ["10.9.8.7"]}, "MX_PRIVATE"),
        ({MX: ["10 10.0.0.1"]}, "MX_PRIVATE"),
        ({A: ["127.0.0.1"]}, "MX_PRIVATE"),
    ],
)
def test_what_decides(zone: Mapping[str, list[str]], test: str) -> None:
    (hit,) = _hits(zone)
    assert (hit.name, hit.decides) == (test, True)


def test_hosts_without_addresses_only_score() -> None:
    (hit,) = _hits({MX: ["10 gone.example"]})
    assert (hit.name, hit.decides) == ("MX_NO_ADDRESS", False)


@pytest.mark.parametrize("failure", ["SERVFAIL", "REFUSED", "TIMEOUT"])
def test_a_failure_never_decides(failure: str) -> None:
    private = {MX: ["10 mx.sender.example", "20 b.example"], "mx.sender.example": ["10.0.0.1"]}
    for zone in (
        {MX: failure},
        {A: failure},
        {AAAA: failure},
        {MX: ["10 mx.sender.example"], "mx.sender.example": failure},
        {**private, "b.example": failure},
        {**private, "b.example AAAA": failure},
    ):
        with pytest.raises(Abstain, match="the DNS does not say"):
            asked(zone)
    with pytest.raises(Abstain, match="unavailable"):
        asked(None)


def test_more_hosts_than_are_looked_at_prove_nothing() -> None:
    hosts = [f"{number} host{number}.example" for number in range(limits.MX_HOSTS + 1)]
    with pytest.raises(Abstain, match="mail hosts"):
        asked({MX: hosts, **{f"host{number}.example": ["10.0.0.1"] for number in range(limits.MX_HOSTS)}})


@pytest.mark.parametrize(
    ("sender", "why"), [("", "null sender"), ("root", "no domain"), ("a@[10.0.0.1]", "an address")]
)
def test_it_abstains_where_there_is_no_domain(sender: str, why: str) -> None:
    assert queries(InvalidMx(), mail("", sender=sender)) == []
    with pytest.raises(Abstain, match=why):
        asked({}, sender)


def test_it_abstains_where_the_envelope_is_not_known() -> None:
    message = mail("")
    message.sender_known = False
    with pytest.raises(Abstain, match="not known"):
        hits(InvalidMx(), message, dns={})


def test_a_domain_that_cannot_be_one_is_reached_by_nobody() -> None:
    assert asked({}, f"a@{'x' * 64}.example") == ["MX_NONE"]


def test_the_domain_of_the_peer_by_option() -> None:
    good: ZoneText = {MX: ["10 mx.sender.example"], **MAIL_HOST}
    zone: ZoneText = {**good, PTR: ["mail.host.example"]}
    assert asked(zone) == []
    assert asked(zone, options=WITH_PEER) == ["PEER_DOMAIN_NO_MX"]
    assert asked(zone, "", options=WITH_PEER) == ["PEER_DOMAIN_NO_MX"]
    assert asked({**zone, "host.example MX": ["10 mx.sender.example"]}, options=WITH_PEER) == []
    assert asked({**zone, "host.example": ["198.51.100.1"]}, options=WITH_PEER) == []
    assert asked({**zone, "host.example MX": "SERVFAIL"}, options=WITH_PEER) == []
    assert asked({**good, PTR: "TIMEOUT"}, options=WITH_PEER) == []
    assert asked(good, options=WITH_PEER) == []


def test_it_is_asked_ahead() -> None:
    assert queries(InvalidMx(), mail("", sender="Ann@Sender.EXAMPLE")) == [MX, A, AAAA]
    assert queries(InvalidMx(), mail("", sender="a@sender.example"), WITH_PEER) == [MX, A, AAAA, PTR]
    assert queries(InvalidMx(), mail("", sender="a@sender.example", peer=""), WITH_PEER) == [MX, A, AAAA]


def _hits(zone: ZoneText) -> list[Hit]:
    context = Context(options=InvalidMx.Options(), dns=ZoneDns(zone))
    return list(InvalidMx().check(mail("", sender="ann@sender.example"), context))
