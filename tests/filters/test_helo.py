"""Row 31: HELO names that are invalid, foreign, ours or localhost, and those that disagree with the DNS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.contract import Abstain, Context, Hit
from tamis.dns.zone import ZoneDns, ZoneText
from tamis.filters.helo import Helo
from tamis.site import Site
from tamis.testing import hits, mail, queries

PTR = "7.2.0.192.in-addr.arpa PTR"
GOOD: ZoneText = {PTR: ["mail.sender.example"], "mail.sender.example": ["192.0.2.7"]}
OURS = Site(frozenset({"mx.example.org", ".example.net"}))
STRICT = Helo.Options(mismatch_decides=True)


def asked(
    helo: str, zone: ZoneText | None = GOOD, peer: str = "192.0.2.7", options: Helo.Options | None = None
) -> list[str]:
    return hits(Helo(), mail("", peer=peer, helo=helo, mta="mta.example.org"), options, dns=zone, site=OURS)


@pytest.mark.parametrize(
    "helo",
    ["mail.sender.example", "MAIL.Sender.Example", "mail.sender.example.", "[192.0.2.7]", "[IPv6:::ffff:192.0.2.7]"],
)
def test_clean(helo: str) -> None:
    assert asked(helo) == []


@pytest.mark.parametrize("helo", ["[IPv6:2001:db8::1]", "[ipv6:2001:DB8:0::1]", "[2001:db8::1]"])
def test_a_literal_of_an_ipv6_peer_is_clean(helo: str) -> None:
    assert asked(helo, {}, "2001:db8::1") == []


@pytest.mark.parametrize(
    ("helo", "test"),
    [
        ("[192.0.2.8]", "HELO_LITERAL"),
        ("[127.0.0.1]", "HELO_LITERAL"),
        ("[192.168.1.5]", "HELO_LITERAL"),
        ("[IPv6:2001:db8::1]", "HELO_LITERAL"),
        ("192.0.2.7", "HELO_LITERAL"),
        ("2001:db8::1", "HELO_LITERAL"),
        ("1.2.3", "HELO_LITERAL"),
        ("[192.0.2.7", "HELO_INVALID"),
        ("[192.0.2]", "HELO_INVALID"),
        ("[mail.sender.example]", "HELO_INVALID"),
        ("[]", "HELO_INVALID"),
        (".", "HELO_INVALID"),
        ("..", "HELO_INVALID"),
        ("mail..example", "HELO_INVALID"),
        ("-mail.example", "HELO_INVALID"),
        ("mail-.example", "HELO_INVALID"),
        ("mail server.example", "HELO_INVALID"),
        ("ann@sender.example", "HELO_INVALID"),
        ("mail.example:25", "HELO_INVALID"),
        (f"{'a' * 64}.example", "HELO_INVALID"),
        (".".join(["a" * 50] * 6), "HELO_INVALID"),
        ("localhost", "HELO_LOCALHOST"),
        ("LOCALHOST.localdomain", "HELO_LOCALHOST"),
        ("x.localhost", "HELO_LOCALHOST"),
        ("mx.example.org", "HELO_OURS"),
        ("MX.example.org.", "HELO_OURS"),
        ("mta.example.org", "HELO_OURS"),
        ("example.net", "HELO_OURS"),
        ("any.host.example.net", "HELO_OURS"),
    ],
)
def test_what_decides_needs_no_dns(helo: str, test: str) -> None:
    assert asked(helo, None) == asked(helo, GOOD) == [test]


@pytest.mark.parametrize("helo", ["www.mx.example.org", "notexample.net", "example.org", "win_server.sender.example"])
def test_what_is_not_ours_does_not_decide(helo: str) -> None:
    assert asked(helo) == ["HELO_MISMATCH"]


def test_own_names_are_only_those_that_are_configured() -> None:
    """A recipient's domain is not: many customers send by servers of their own, which say it."""
    zone = {PTR: ["example.org"]}
    assert hits(Helo(), mail("", helo="example.org", recipients=["ann@example.org"]), dns=zone) == []


def test_disagreement_with_the_reverse_only_scores_unless_told_otherwise() -> None:
    (hit,) = _hits("other.example", Helo.Options())
    assert (hit.name, hit.decides) == ("HELO_MISMATCH", False)
    (hit,) = _hits("other.example", STRICT)
    assert (hit.name, hit.decides) == ("HELO_MISMATCH", True)


def test_a_name_that_points_to_the_peer_agrees() -> None:
    assert asked("other.example", {**GOOD, "other.example": ["192.0.2.7"]}, options=STRICT) == []


def test_a_peer_without_a_name_has_none_to_disagree_with() -> None:
    assert asked("other.example", {}, options=STRICT) == []


def test_a_name_without_domain_scores() -> None:
    assert asked("home-pc", {}) == ["HELO_NOT_QUALIFIED"]
    assert asked("home-pc", None) == ["HELO_NOT_QUALIFIED"]
    assert asked("home-pc") == ["HELO_NOT_QUALIFIED", "HELO_MISMATCH"]


@pytest.mark.parametrize("failure", ["SERVFAIL", "REFUSED", "TIMEOUT"])
def test_a_failure_never_decides(failure: str) -> None:
    for zone in ({PTR: failure}, {PTR: ["mail.sender.example"], "other.example": failure}):
        with pytest.raises(Abstain, match="does not say"):
            asked("other.example", zone, options=STRICT)
    assert asked("mail.sender.example", {PTR: failure, "mail.sender.example": ["192.0.2.7"]}) == []


def test_without_a_name_it_abstains() -> None:
    with pytest.raises(Abstain, match="no HELO name"):
        asked("")


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.1", "::1"])
def test_a_peer_in_private_space_is_no_stranger(peer: str) -> None:
    with pytest.raises(Abstain, match="private"):
        asked("localhost", GOOD, peer)


def test_an_internationalised_name_is_a_name() -> None:
    zone = {PTR: ["xn--bcher-kva.example"], "xn--bcher-kva.example": ["192.0.2.7"]}
    assert asked("xn--bcher-kva.example", zone) == []
    assert asked("bücher.example", zone) == []


def test_it_is_asked_ahead() -> None:
    assert queries(Helo(), mail("", helo="mail.sender.example")) == [PTR, "mail.sender.example A"]
    assert queries(Helo(), mail("", helo="a..b")) == []
    assert queries(Helo(), mail("", peer="10.0.0.1", helo="mail.sender.example")) == []


@given(st.text(max_size=300) | st.text("[]:.-_a1IPv6", max_size=60))
def test_whatever_is_said_it_does_not_fail(helo: str) -> None:
    message = mail("", helo=helo)
    list(Helo().queries(message, Helo.Options()))
    try:
        assert set(hits(Helo(), message, dns={})) <= set(Helo.tests)
    except Abstain:
        assert not helo.strip()


def _hits(helo: str, options: Helo.Options) -> list[Hit]:
    context = Context(options=options, dns=ZoneDns(GOOD))
    return list(Helo().check(mail("", helo=helo), context))
