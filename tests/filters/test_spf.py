"""Row 5: SPF: a fail decides unless the mail was forwarded, a softfail scores, errors decide nothing."""

from collections.abc import Sequence
from typing import Any

import pytest

from tamis.authentication import Arc, Authentication, Dkim, Result
from tamis.contract import Abstain, Context, Hit
from tamis.dns.zone import ZoneDns
from tamis.filters.spf import FAIL_POINTS, SOFTFAIL_POINTS, SPF
from tamis.mail import Mail
from tamis.spf import spf_of
from tamis.testing import hits, mail, queries

FILTER = SPF()
STRICT = SPF.Options(strict=True)
ZONE = {
    "bank.example TXT": ["v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 -all exp=why.bank.example"],
    "why.bank.example TXT": ["%{i} is no host of\x07 %{d}"],
    "soft.example TXT": ["v=spf1 ~all"],
    "neutral.example TXT": ["v=spf1 ?all"],
    "wrong.example TXT": ["v=spf1 moo -all"],
    "nothing.example": ["192.0.2.1"],
    "broken.example TXT": "SERVFAIL",
    "slow.example TXT": ["v=spf1 include:silent.example -all"],
    "silent.example TXT": "TIMEOUT",
    "mx.host.example TXT": ["v=spf1 a -all"],
    "mx.host.example A": ["192.0.2.9"],
}


def message(sender: str = "ann@bank.example", peer: str = "192.0.2.7", helo: str = "mx.host.example") -> Mail:
    return mail("From: Ann <ann@author.example>\n\nhello\n", sender=sender, peer=peer, helo=helo)


class Known(Authentication):
    """What is known of a message, its signatures as given."""

    def __init__(self, checked: Mail, dkim: Sequence[Dkim] = (), arc: Result = Result.NONE, sealers: str = "") -> None:
        super().__init__(checked, ZoneDns(ZONE), spf_of)
        self.dkim = tuple(dkim)
        self.arc = Arc(arc, sealers=tuple(sealers.split()))


def only_hit(
    checked: Mail | None = None, options: SPF.Options | None = None, forwarders: Sequence[str] = (), **known: Any
) -> Hit:
    checked = checked or message()
    context = Context(options=options or SPF.Options(), forwarders=forwarders, authentication=Known(checked, **known))
    (hit,) = FILTER.check(checked, context)
    return hit


def test_hit() -> None:
    assert only_hit() == Hit(
        "SPF_FAIL",
        "bank.example forbids 192.0.2.7 (-all), and says: 192.0.2.7 is no host of  bank.example",
        decides=True,
        amount=FAIL_POINTS,
    )


@pytest.mark.parametrize("peer", ["198.51.100.4", "2001:db8::4"])
def test_clean(peer: str) -> None:
    assert hits(FILTER, message(peer=peer), dns=ZONE) == ["SPF_PASS"]


@pytest.mark.parametrize(
    ("domain", "name", "points"),
    [
        ("soft", "SPF_SOFTFAIL", SOFTFAIL_POINTS),
        ("neutral", "SPF_NEUTRAL", 0.0),
        ("nothing", "SPF_NONE", 0.0),
        ("unheard-of", "SPF_NONE", 0.0),
        ("wrong", "SPF_PERMERROR", 0.0),
        ("broken", "SPF_TEMPERROR", 0.0),
        ("slow", "SPF_TEMPERROR", 0.0),
    ],
)
def test_all_but_a_fail_decides_nothing(domain: str, name: str, points: float) -> None:
    hit = only_hit(message(f"ann@{domain}.example"), STRICT)
    assert (hit.name, hit.decides, hit.decides_at_share, hit.amount) == (name, False, None, points)


def test_without_dns_nothing_is_concluded() -> None:
    assert hits(FILTER, message()) == ["SPF_TEMPERROR"]


def test_the_null_sender_is_checked_by_the_helo_name() -> None:
    assert hits(FILTER, message("", peer="192.0.2.9"), dns=ZONE) == ["SPF_PASS"]
    hit = only_hit(message("<>"))
    assert (hit.decides, hit.because) == (True, "the HELO name mx.host.example forbids 192.0.2.7 (-all)")
    assert hits(FILTER, message("", helo="[192.0.2.7]"), dns=ZONE) == ["SPF_NONE"]


SIGNED = (Dkim(Result.FAIL, "author.example"), Dkim(Result.PASS, "mail.author.example"))
TRUSTING = SPF.Options(sealers=("lists.example",))


def test_what_was_forwarded_only_scores() -> None:
    for hit, ground in (
        (only_hit(dkim=SIGNED), "a DKIM signature for author.example passes"),
        (
            only_hit(options=TRUSTING, arc=Result.PASS, sealers="first.example lists.example"),
            "the ARC chain sealed by lists.example passes",
        ),
        (only_hit(forwarders=["192.0.2.0/28"]), "the peer is a forwarder"),
    ):
        assert (hit.name, hit.decides, hit.amount) == ("SPF_FAIL", False, FAIL_POINTS)
        assert hit.because.endswith(f"; but {ground}")


def test_a_signature_that_cannot_be_checked_now_keeps_a_fail_from_deciding() -> None:
    for hit in (
        only_hit(dkim=[Dkim(Result.TEMPERROR, "author.example")]),
        only_hit(options=TRUSTING, arc=Result.TEMPERROR),
    ):
        assert not hit.decides
        assert "; but it is not known now whether" in hit.because


@pytest.mark.parametrize("result", [Result.PASS, Result.TEMPERROR])
def test_a_signature_of_somebody_else_excuses_nothing(result: Result) -> None:
    assert only_hit(dkim=[Dkim(result, "spammer.example"), Dkim(Result.FAIL, "author.example")]).decides


def test_other_peers_and_chains_excuse_nothing() -> None:
    assert only_hit(forwarders=["203.0.113.0/24"]).decides
    assert only_hit(arc=Result.PASS, sealers="lists.example").decides
    assert only_hit(options=TRUSTING, arc=Result.FAIL).decides
    assert only_hit(options=TRUSTING, arc=Result.PASS, sealers="lists.example last.example").decides


def test_strict_restores_the_literal_text() -> None:
    options = SPF.Options(strict=True, sealers=("lists.example",))
    assert only_hit(options=options, dkim=SIGNED).decides
    assert only_hit(options=options, arc=Result.PASS, sealers="lists.example").decides
    assert only_hit(options=options, forwarders=["192.0.2.0/28"]).decides


def test_abstains_when_sender_or_peer_is_not_known() -> None:
    unknown = message()
    unknown.sender_known = False
    assert queries(FILTER, unknown) == []
    with pytest.raises(Abstain, match="the envelope sender is not known"):
        hits(FILTER, unknown, dns=ZONE)
    with pytest.raises(Abstain, match="SPF could not be checked"):
        list(FILTER.check(message(), Context(options=SPF.Options())))
    with pytest.raises(Abstain, match="the peer is not known"):
        hits(FILTER, message(peer=""), dns=ZONE)


def test_it_says_what_it_is_going_to_ask() -> None:
    assert queries(FILTER, message("Ann@Bank.Example")) == ["bank.example TXT"]
    assert queries(FILTER, message("ann@bücher.example")) == ["xn--bcher-kva.example TXT"]
    assert queries(FILTER, message("", helo="MX.host.example.")) == ["mx.host.example TXT"]
    for sender in ("ann", "ann@localhost", "ann@[192.0.2.7]", f"ann@{'a' * 64}.example", "ann@a..example"):
        assert queries(FILTER, message(sender)) == []
        assert hits(FILTER, message(sender), dns=ZONE) == ["SPF_NONE"]
