"""Row 2."""

from datetime import timedelta

import pytest

from tamis.contract import Abstain, Context
from tamis.filters.banned_ip import BannedIP
from tamis.lists import Entry, ListName, Lists
from tamis.testing import hits, mail

FILTER = BannedIP()


def ban(value: str, domain: str = "") -> Entry:
    return Entry(ListName.BAN_IP, value, domain)


@pytest.mark.parametrize(
    ("peer", "value"), [("192.0.2.7", "192.0.2.7"), ("192.0.2.7", "192.0.2.0/24"), ("2001:db8::7", "2001:db8::/32")]
)
def test_hit(peer: str, value: str) -> None:
    assert hits(FILTER, mail("", peer=peer), lists=[ban(value)]) == ["BANNED_IP"]


def test_a_domains_ban_is_for_its_recipients() -> None:
    message = mail("", recipients=["bob@example.org", "carol@example.com"])
    context = Context(recipients=message.recipients, lists=Lists([ban("192.0.2.7", "example.org")]))
    (hit,) = FILTER.check(message, context)
    assert (hit.decides, hit.domain, hit.because) == (
        True,
        "example.org",
        "peer matches 192.0.2.7 (ban_ip of example.org)",
    )


def test_clean() -> None:
    others = [ban("192.0.2.8"), ban("192.0.2.7", "example.com"), Entry(ListName.BLACKLIST_IP, "192.0.2.7")]
    assert hits(FILTER, mail(""), lists=others) == []


def test_a_ban_ends() -> None:
    message = mail("")
    over = Entry(ListName.BAN_IP, "192.0.2.7", expires=message.now)
    assert hits(FILTER, message, lists=[over]) == []
    assert hits(FILTER, message, lists=[Entry(over.list, over.value, expires=message.now + timedelta(seconds=1))]) != []


def test_abstains_without_a_peer() -> None:
    with pytest.raises(Abstain, match="the peer is not known"):
        hits(FILTER, mail("", peer=""), lists=[ban("0.0.0.0/0")])
