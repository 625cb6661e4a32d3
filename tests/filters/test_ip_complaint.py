"""Row 14."""

from datetime import timedelta

import pytest

from tamis.contract import Abstain
from tamis.filters.ip_complaint import IPComplaint
from tamis.lists import Entry, ListName
from tamis.testing import hits, mail

FILTER = IPComplaint()


def complaint(value: str) -> Entry:
    return Entry(ListName.COMPLAINT_IP, value)


@pytest.mark.parametrize(
    ("peer", "value"), [("192.0.2.7", "192.0.2.7"), ("192.0.2.7", "192.0.2.0/24"), ("2001:db8::7", "2001:db8::/32")]
)
def test_hit(peer: str, value: str) -> None:
    assert hits(FILTER, mail("", peer=peer), lists=[complaint(value)]) == ["COMPLAINT_IP"]


def test_clean() -> None:
    message = mail("")
    over = Entry(ListName.COMPLAINT_IP, "192.0.2.7", expires=message.now)
    others = [complaint("192.0.2.8"), Entry(ListName.BLACKLIST_IP, "192.0.2.7"), over]
    assert hits(FILTER, message, lists=others) == []
    assert hits(FILTER, message, lists=[Entry(over.list, over.value, expires=message.now + timedelta(seconds=1))])


def test_abstains_without_a_peer() -> None:
    with pytest.raises(Abstain, match="the peer is not known"):
        hits(FILTER, mail("", peer=""), lists=[complaint("0.0.0.0/0")])
