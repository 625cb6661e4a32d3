"""Row 12."""

import pytest

from tamis.authentication import Authentication
from tamis.contract import Context
from tamis.dns.zone import ZoneDns
from tamis.filters.same_sender_recipient import SameSenderRecipient
from tamis.testing import hits, mail
from tests.authentication.signing import signed, zone
from tests.authentication.test_dmarc import spf

FILTER = SameSenderRecipient()
MAIL = "From: bob@example.org\nTo: bob@example.org\n\nbody\n"


@pytest.mark.parametrize("sender", ["bob@example.org", "<Bob@Example.ORG>", "bob@example.org."])
def test_hit(sender: str) -> None:
    assert hits(FILTER, mail(MAIL, sender=sender, recipients=["BOB@example.org"])) == ["SAME_SENDER_RCPT"]


def test_the_hit_is_for_that_recipient_alone() -> None:
    message = mail(MAIL, sender="bob@example.org", recipients=["ann@example.org", "bob@example.org"])
    (hit,) = FILTER.check(message, Context(recipients=message.recipients))
    assert hit.decides
    assert hit.applies_to("bob@example.org", "example.org")
    assert not hit.applies_to("ann@example.org", "example.org")


@pytest.mark.parametrize("sender", ["ann@example.org", "bob@example.net", "", "bob+tag@example.org"])
def test_clean(sender: str) -> None:
    assert hits(FILTER, mail(MAIL, sender=sender, recipients=["bob@example.org"])) == []


WIRE = MAIL.encode().replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("author", "signer", "dns", "expected"),
    [
        ("bob@example.org", "example.org", zone(domain="example.org"), []),
        ("news@mail.example.org", "example.org", zone(domain="example.org"), []),
        ("bob@example.org", "example.org", {}, ["SAME_SENDER_RCPT"]),
        ("bob@example.org", "example.org", {"sel._domainkey.example.org TXT": "TIMEOUT"}, ["SAME_SENDER_RCPT"]),
        ("bob@example.org", "evil.example", zone(domain="evil.example"), ["SAME_SENDER_RCPT"]),
        ("eve@evil.example", "evil.example", zone(domain="evil.example"), ["SAME_SENDER_RCPT"]),
        ("eve@evil.example", "example.org", zone(domain="example.org"), ["SAME_SENDER_RCPT"]),
    ],
)
def test_an_aligned_signature_of_ones_own_domain(
    author: str, signer: str, dns: dict[str, str], expected: list[str]
) -> None:
    message = signed(WIRE.replace(b"From: bob@example.org", b"From: " + author.encode()), domain=signer)
    assert hits(FILTER, mail(message, sender="bob@example.org", recipients=["bob@example.org"]), dns=dns) == expected


@pytest.mark.parametrize(
    ("result", "domain", "expected"),
    [("pass", "example.org", 0), ("pass", "evil.example", 1), ("fail", "example.org", 1), ("none", "example.org", 1)],
)
def test_an_aligned_pass_of_spf(result: str, domain: str, expected: int) -> None:
    message = mail(MAIL, sender="bob@example.org", recipients=["bob@example.org"])
    said = Authentication(message, ZoneDns({}), spf(result, domain))
    assert len(list(FILTER.check(message, Context(recipients=message.recipients, authentication=said)))) == expected
