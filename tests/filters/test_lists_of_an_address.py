"""Lists of one address add to those of its domain and of the platform, and touch nobody else (SPEC, section 5)."""

from ipaddress import ip_address

import pytest

from tamis.contract import Context, Filter, Hit
from tamis.filters.banned_ip import BannedIP
from tamis.filters.blacklisted_ip import BlacklistedIP
from tamis.filters.blacklisted_sender import BlacklistedSender
from tamis.filters.whitelisted_ip import WhitelistedIP
from tamis.filters.whitelisted_sender import WhitelistedSender
from tamis.lists import Entry, ListName, Lists
from tamis.mail import Mail
from tamis.message import Message
from tamis.site import Site

ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        (BannedIP, ListName.BAN_IP, "192.0.2.0/24"),
        (WhitelistedIP, ListName.WHITELIST_IP, "192.0.2.7"),
        (WhitelistedSender, ListName.WHITELIST_SENDER, "sender@example.net"),
        (BlacklistedIP, ListName.BLACKLIST_IP, "192.0.2.7"),
        (BlacklistedSender, ListName.BLACKLIST_SENDER, ".example.net"),
    ],
)
def test_a_hit_holds_for_that_address_alone(row: type[Filter], name: ListName, value: str) -> None:
    recipients = (ANN, BOB, "ann+news@example.org", "ann@example.com")
    mail = Mail(
        Message(b"From: <a@example.net>\r\n\r\nx"),
        peer=ip_address("192.0.2.7"),
        sender="sender@example.net",
        recipients=recipients,
    )
    lists = Lists([Entry(name, value, ANN)])
    ctx = Context(options=row.Options(), recipients=recipients, lists=lists, site=Site(delimiters="+"))
    hits: list[Hit] = list(row().check(mail, ctx))
    meant = [one for one in recipients if any(hit.applies_to(one, one.partition("@")[2]) for hit in hits)]
    assert meant == [ANN, "ann+news@example.org"]
    assert all(f"of {ANN})" in hit.because for hit in hits)


def test_nobody_is_asked_for_where_no_address_has_entries() -> None:
    asked: list[str] = []

    class Asked(Lists):
        def has(self, name: ListName, domain: str = "", word: str = "") -> bool:
            asked.append(domain)
            return super().has(name, domain, word)

    lists = Asked([Entry(ListName.BLACKLIST_IP, "192.0.2.7", "example.org")])
    ctx = Context(recipients=(ANN, BOB), lists=lists)
    assert [owner.name for owner in ctx.list_owners(ListName.BLACKLIST_IP)] == ["", "example.org"]
    assert asked == ["@"]
