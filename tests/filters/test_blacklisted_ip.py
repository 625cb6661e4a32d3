"""Row 8: listed peers, and pairs of peer and content that were flagged by hand."""

import pytest

from tamis import limits
from tamis.content_digest import content_digest
from tamis.contract import Abstain, Context
from tamis.filters.blacklisted_ip import BlacklistedIP
from tamis.lists import Entry, ListName, Lists, flagged_value
from tamis.mail import parse_ip
from tamis.message import Message
from tamis.testing import hits, mail

FILTER = BlacklistedIP()
MAIL = "From: ann@example.net\n\nbody\n"


def entry(value: str, domain: str = "") -> Entry:
    return Entry(ListName.BLACKLIST_IP, value, domain)


@pytest.mark.parametrize(
    ("peer", "value"),
    [("192.0.2.7", "192.0.2.7"), ("192.0.2.7", "192.0.2.0/24"), ("2001:db8::7", "2001:db8::/32"), ("::1", "::1")],
)
def test_hit(peer: str, value: str) -> None:
    assert hits(FILTER, mail(MAIL, peer=peer), lists=[entry(value)]) == ["BL_IP"]


def test_hit_of_a_domain_is_for_its_recipients() -> None:
    message = mail(MAIL, recipients=["bob@example.org", "carol@example.com"])
    context = Context(recipients=message.recipients, lists=Lists([entry("192.0.2.7", "example.org")]))
    (hit,) = FILTER.check(message, context)
    assert (hit.decides, hit.domain, hit.let_through) == (True, "example.org", "")
    assert hit.because == "peer matches 192.0.2.7 (blacklist_ip of example.org)"


def test_clean() -> None:
    others = [
        entry("192.0.2.8"),
        entry("2001:db8::/32"),
        entry("192.0.2.7", "example.com"),
        Entry(ListName.WHITELIST_IP, "192.0.2.7"),
    ]
    assert hits(FILTER, mail(MAIL, peer="192.0.2.7"), lists=others) == []
    assert hits(FILTER, mail(MAIL)) == []


def test_abstains_without_a_peer() -> None:
    with pytest.raises(Abstain, match="the peer is not known"):
        hits(FILTER, mail(MAIL, peer=""), lists=[entry("0.0.0.0/0")])


# Flagged content


SPAM = "From: {author}\nTo: {to}\nSubject: Our offer\nMessage-ID: <{to}>\n\nBuy now\n"
COPY = SPAM.format(author="ann@example.net", to="you@example.org")


def flagged(text: str = COPY, peer: str = "192.0.2.7", domain: str = "", **entry: object) -> Entry:
    digest, address = content_digest(Message(text.encode())), parse_ip(peer)
    assert digest is not None
    assert address is not None
    return Entry(ListName.FLAGGED, flagged_value(address, digest), domain, **entry)  # type: ignore[arg-type]


def test_the_same_content_from_the_same_peer() -> None:
    another_copy = SPAM.format(author="Ann <ANN@example.net>", to="me@example.com")
    assert hits(FILTER, mail(another_copy), lists=[flagged()]) == ["FLAGGED_CONTENT"]
    assert hits(FILTER, mail(COPY, peer="2001:db8::7"), lists=[flagged(peer="2001:DB8:0::7")]) == ["FLAGGED_CONTENT"]


def test_another_content_or_another_peer() -> None:
    assert hits(FILTER, mail(MAIL), lists=[flagged()]) == []
    assert hits(FILTER, mail(COPY, peer="192.0.2.8"), lists=[flagged()]) == []
    assert hits(FILTER, mail(COPY), lists=[flagged(domain="example.com")]) == []
    assert hits(FILTER, mail("\n"), lists=[flagged()]) == []


def test_what_a_domain_flagged_is_for_its_recipients() -> None:
    message = mail(COPY, recipients=["bob@example.org", "carol@example.com"])
    entries = Lists([flagged(domain="example.org"), entry("192.0.2.7", "example.com")])
    found = list(FILTER.check(message, Context(recipients=message.recipients, lists=entries)))
    assert [(hit.name, hit.domain, hit.decides) for hit in found] == [
        ("BL_IP", "example.com", True),
        ("FLAGGED_CONTENT", "example.org", True),
    ]
    assert found[1].because.startswith("peer and content match 192.0.2.7 ")


def test_a_flag_ends() -> None:
    message = mail(COPY)
    assert hits(FILTER, message, lists=[flagged(expires=message.now)]) == []


def test_the_digest_is_computed_only_where_something_of_the_peer_was_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.message.content_digest", lambda message: pytest.fail("computed"))
    assert hits(FILTER, mail(COPY)) == []
    assert hits(FILTER, mail(COPY), lists=[flagged(peer="192.0.2.8"), flagged(domain="example.com")]) == []


def test_abstains_where_not_all_could_be_compared() -> None:
    long = mail(COPY + "a" * limits.MESSAGE_BYTES)
    assert hits(FILTER, long) == []
    assert hits(FILTER, long, lists=[flagged(), entry("192.0.2.7")]) == ["BL_IP"]
    with pytest.raises(Abstain, match="a cap"):
        hits(FILTER, long, lists=[flagged()])
