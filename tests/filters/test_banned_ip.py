"""Row 2."""

from datetime import UTC, datetime, timedelta

import pytest

from tamis.bans import Ban, Bans
from tamis.contract import Abstain, Context
from tamis.filters.banned_ip import BannedIP
from tamis.lists import Entry, ListName, Lists
from tamis.redis_client import RedisClient
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


# Automatic bans


class Known(Bans):
    """Bans that are known, as a refresh found them."""

    def __init__(self, *known: Ban) -> None:
        super().__init__(RedisClient())
        self._known = {(ban.domain, ban.network): ban for ban in known}


def automatic(network: str = "192.0.2.7", domain: str = "") -> Ban:
    now = datetime.now(UTC)
    return Ban(network, domain, now, now + timedelta(minutes=15), 1, "5 messages to traps within 60 min")


def test_an_automatic_ban() -> None:
    ban = automatic()
    message = mail("")
    (hit,) = FILTER.check(message, Context(recipients=message.recipients, bans=Known(ban)))
    assert hit.because == f"192.0.2.7 is banned until {ban.until:%Y-%m-%d %H:%M} UTC: 5 messages to traps within 60 min"
    assert (hit.decides, hit.recipient) == (True, "recipient@example.org")
    message.now = ban.until
    assert hits(FILTER, message, bans=Known(ban)) == []
    assert hits(FILTER, mail("", peer="192.0.2.8"), bans=Known(ban)) == []


def test_an_automatic_ban_of_a_domain_is_for_its_recipients() -> None:
    message = mail("", recipients=["bob@example.org", "carol@example.com", "postmaster"])
    context = Context(recipients=message.recipients, bans=Known(automatic(domain="example.com")))
    assert [hit.recipient for hit in FILTER.check(message, context)] == ["carol@example.com"]


def test_a_whitelist_goes_before_an_automatic_ban_and_not_before_one_by_hand() -> None:
    message = mail("", recipients=["bob@example.org", "carol@example.com"])
    known, white = Known(automatic()), Entry(ListName.WHITELIST_IP, "192.0.2.0/24", "example.org")
    context = Context(recipients=message.recipients, lists=Lists([white]), bans=known)
    assert [hit.recipient for hit in FILTER.check(message, context)] == ["carol@example.com"]
    everywhere = Entry(ListName.WHITELIST_IP, "192.0.2.0/24")
    assert hits(FILTER, message, lists=[everywhere], bans=known) == []
    assert hits(FILTER, message, lists=[everywhere, ban("192.0.2.7")], bans=known) == ["BANNED_IP"]
