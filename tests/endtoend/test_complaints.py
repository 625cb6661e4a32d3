"""Rows 7b and 14 with a real Postfix: who is complained of is spam, whitelists win, and nobody else is touched."""

import time
import uuid
from collections.abc import Iterator

import pytest

from tamis.list_store import ListStore
from tamis.lists import ListName
from tests.endtoend.site import HONEST, Site, as_service_user, letter, running

pytestmark = pytest.mark.servers

COMPLAINED = "198.51.100.66"
WHITELISTED = "198.51.100.67"
SETTINGS = f"""
[policy]
mode = "tag"
[lists]
whitelist_ip = ["{WHITELISTED}"]
"""


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    # One worker: what acts on one message acts on the next.
    with running(SETTINGS, sunk=["tag.example"], workers=1) as one:
        with as_service_user():
            lists = ListStore(f"sqlite:///{one.database}")
            for peer in (COMPLAINED, WHITELISTED):
                lists.add(ListName.COMPLAINT_IP, peer, "", by="ann")
            lists.add(ListName.COMPLAINT_SENDER, "bulk.example", "", by="ann")
        deadline = time.monotonic() + 30
        # What was listed last: the lists may be read between two of the entries.
        while not verdict(one, HONEST, "offers@bulk.example").startswith("spam"):
            assert time.monotonic() < deadline, "the lists do not act"
        yield one


def verdict(site: Site, peer: str = HONEST, sender: str = "ann@sender.example") -> str:
    site.deliver(letter(uuid.uuid4().hex), sender, ["user@tag.example"], peer=peer)
    (copy,) = site.arrived()
    return copy.header("X-Tamis-Verdict")


@pytest.mark.parametrize(
    ("peer", "sender", "said"),
    [
        (HONEST, "ann@sender.example", "ham; action=deliver; id="),
        (COMPLAINED, "ann@sender.example", "spam; action=tag; row=14 ip-complaint;"),
        (HONEST, "offers@bulk.example", "spam; action=tag; row=7b sender-complaint;"),
        (COMPLAINED, "offers@bulk.example", "spam; action=tag; row=7b sender-complaint;"),
        (WHITELISTED, "offers@bulk.example", "ham; action=deliver; row=4 whitelisted-ip;"),
    ],
)
def test_who_is_complained_of(site: Site, peer: str, sender: str, said: str) -> None:
    assert verdict(site, peer, sender).startswith(said)
