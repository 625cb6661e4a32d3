"""Row 13."""

import pytest

from tamis.contract import Context
from tamis.filters.honeypot import Honeypot
from tamis.lists import Entry, ListName, Lists
from tamis.testing import hits, mail

FILTER = Honeypot()


def trap(value: str, domain: str = "") -> Entry:
    return Entry(ListName.TRAP, value, domain)


@pytest.mark.parametrize("value", ["hidden@example.org", "example.org", ".example.org", ".org"])
@pytest.mark.parametrize("recipient", ["hidden@example.org", "Hidden@EXAMPLE.org"])
def test_hit(value: str, recipient: str) -> None:
    assert hits(FILTER, mail("", recipients=[recipient]), lists=[trap(value)]) == ["TRAP"]


def test_it_is_the_recipients_alone() -> None:
    message = mail("", recipients=["hidden@example.org", "bob@example.org", "hidden@example.com"])
    traps = Lists([trap("hidden@example.org"), trap("example.com", "example.com")])
    found = list(FILTER.check(message, Context(recipients=message.recipients, lists=traps)))
    assert [(hit.recipient, hit.decides) for hit in found] == [
        ("hidden@example.org", True),
        ("hidden@example.com", True),
    ]
    assert found[0].because == "recipient matches hidden@example.org (trap of the platform)"


def test_one_hit_for_each_recipient() -> None:
    twice = [trap("hidden@example.org"), trap("hidden@example.org", "example.org")]
    assert hits(FILTER, mail("", recipients=["hidden@example.org"] * 2), lists=twice) == ["TRAP"]


def test_clean() -> None:
    others = [trap("hidden@example.com"), trap("recipient@example.org", "example.com"), trap("b.example.org")]
    assert hits(FILTER, mail(""), lists=[*others, Entry(ListName.BLACKLIST_SENDER, "recipient@example.org")]) == []
    assert hits(FILTER, mail("", recipients=["nobody"]), lists=[trap("example.org")]) == []


def test_a_decoy_listener_makes_traps_of_all() -> None:
    message = mail("", recipients=["ann@example.org", "bob@example.com"], listener="decoy")
    assert hits(FILTER, message, decoys=["other", "decoy"]) == ["TRAP"]
    (hit,) = FILTER.check(message, Context(recipients=message.recipients, decoys=["decoy"]))
    assert (hit.recipient, hit.domain, hit.decides) == ("", "", True)
    assert hit.because == "the message came through the decoy listener decoy"
    for listener in ("", "Decoy", "smtpd"):
        assert hits(FILTER, mail("", listener=listener), decoys=["decoy"]) == []
