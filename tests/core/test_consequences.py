"""What follows from verdicts: who sends in bulk to traps, or malware again and again, is banned (SPEC, row 13)."""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tamis.config import parse
from tamis.consequences import Consequences
from tamis.engine import Engine
from tamis.list_sources import ListSource
from tamis.lists import Entry, ListName, Lists
from tamis.mail import MailClass
from tamis.record import Record
from tamis.sources import Sources
from tamis.testing import mail
from tests.redis_server import Server

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
BANNED = f"192.0.2.7 is banned until {NOW + timedelta(minutes=15):%Y-%m-%d %H:%M} UTC: "
PEER, REAL = "192.0.2.7", "bob@example.org"
TRAPS = [Entry(ListName.TRAP, "traps.example"), Entry(ListName.TRAP, "old@example.com", "example.com")]
MALWARE = Entry(ListName.MALWARE_HASH, hashlib.sha256(b"bad\n").hexdigest())
NO_SCORE = "[rules]\nshipped = false\n[policy.filters.bayes]\nenabled = false\n"

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("no_network")]


class Given(ListSource):
    """Lists that are there."""

    def __init__(self, lists: Sequence[Entry]) -> None:
        self._lists: Lists | None = Lists(lists)

    def fresh(self) -> Lists | None:
        lists, self._lists = self._lists, None
        return lists


class Site:
    """An engine with a real Redis; `bring` examines one message that differs from all others."""

    def __init__(self, folder: Path, url: str, config: str = "", lists: Sequence[Entry] = ()) -> None:
        state = f'[daemon]\nstate_directory = "{folder}"\n'
        parsed = parse(state + NO_SCORE + config, "x")
        sources = replace(Sources.themselves(parsed), lists=Given([*TRAPS, MALWARE, *lists]))
        self.engine = Engine(parsed, url, sources)
        self.number = 0

    def bring(
        self, recipients: Sequence[str], text: str = "", seconds: float = 0, peer: str = PEER, **about: str
    ) -> Record:
        self.number += 1
        raw = text or f"From: a@sender.example\nSubject: {self.number}\n\nhello\n"
        message = mail(
            raw, peer=peer, sender="a@sender.example", recipients=recipients, listener=about.get("listener", "")
        )
        message.now = NOW + timedelta(seconds=seconds)
        message.mail_class = MailClass(about.get("mail_class", "inbound"))
        return self.engine.examine(message)

    def traps(self, count: int, seconds: float = 0, peer: str = PEER, **about: str) -> None:
        for number in range(count):
            self.bring([f"{number}@traps.example"], seconds=seconds, peer=peer, **about)

    def refresh(self, seconds: float = 0) -> None:
        """What the engine does from time to time, at a time of the test's."""
        self.engine._consequences.refresh(NOW + timedelta(seconds=seconds))

    def refused(self, recipient: str = REAL, seconds: float = 0, peer: str = PEER) -> str:
        """Return why a recipient is refused at RCPT, empty where it is not."""
        message = mail("", peer=peer)
        message.now = NOW + timedelta(seconds=seconds)
        found = self.engine.refusal(message, recipient)
        return found.because if found else ""


@pytest.fixture
def site(tmp_path: Path, server: Server) -> Site:
    return Site(tmp_path, server.url)


def test_bulk_to_traps_bans_for_a_quarter_of_an_hour(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.traps(4)
    assert site.refused() == ""
    with caplog.at_level(logging.WARNING, "tamis"):
        site.traps(1)
    assert site.refused() == f"{BANNED}5 messages to traps within 60 min"
    (line,) = caplog.records
    assert (line.message, vars(line)["fields"]["peer"]) == ("a peer is banned for the moment", PEER)
    assert site.refused(seconds=899)
    assert site.refused(seconds=900) == ""
    assert site.refused(peer="192.0.2.8") == ""


def test_it_must_be_in_bulk_again_for_the_next_ban(site: Site) -> None:
    site.traps(5)
    site.traps(4, 900)
    assert site.refused(seconds=900) == ""
    site.traps(1, 900)
    assert site.refused(seconds=900 + 1799)
    assert site.refused(seconds=900 + 1800) == ""


def test_the_window_slides(site: Site) -> None:
    for number in range(20):
        site.traps(1, 900 * number)
        assert site.refused(seconds=900 * number) == ""


def test_a_message_that_also_has_a_real_recipient_is_not_counted(site: Site, server: Server) -> None:
    for _ in range(20):
        site.bring(["x@traps.example", REAL])
    assert site.refused() == ""
    assert server.client.keys("tamis:ham:*") == []


def test_a_message_that_is_tried_again_counts_once(site: Site) -> None:
    for _ in range(20):
        site.bring(["x@traps.example"], "Subject: the same\n\nhello\n")
    assert site.refused() == ""
    for number in range(4):
        site.bring([f"{number}@traps.example"], "Subject: the same\n\nhello\n")
    assert site.refused()


def test_decoys_count(tmp_path: Path, server: Server) -> None:
    site = Site(tmp_path, server.url, '[networks]\ndecoys = ["decoy"]\n')
    for _ in range(5):
        site.bring([REAL], listener="decoy")
    assert site.refused("carol@elsewhere.example")


def test_a_domains_traps_ban_for_that_domain(site: Site) -> None:
    for _ in range(5):
        site.bring(["old@example.com"])
    assert site.refused("ann@example.com")
    assert site.refused(REAL) == ""


def test_malware_again_and_again_bans(site: Site) -> None:
    for number in range(3):
        assert site.refused() == ""
        assert (
            site.bring([REAL, "x@traps.example"], f"From: a@b.example\nSubject: {number}\n\nbad\n").verdicts[0].malware
        )
    assert site.refused() == f"{BANNED}3 messages with malware within 60 min"


# Guards


@pytest.mark.parametrize(
    ("config", "lists", "about"),
    [
        ("", [], {"peer": "127.0.0.1"}),
        ('[networks]\nown = ["192.0.2.0/24"]\n', [], {}),
        ('[networks]\ntrusted_relays = ["192.0.2.7"]\n', [], {}),
        ("", [Entry(ListName.WHITELIST_IP, "192.0.2.0/24")], {}),
        ("", [], {"peer": ""}),
        ("", [], {"mail_class": "outgoing"}),
        ("[bans]\nautomatic = false\n", [], {}),
        ("[policy.filters.honeypot]\nenabled = false\n", [], {}),
        ("[policy]\nantispam = false\n", [], {}),
    ],
)
def test_never(tmp_path: Path, server: Server, config: str, lists: list[Entry], about: dict[str, str]) -> None:
    site = Site(tmp_path, server.url, config, lists)
    site.traps(20, **about)
    site.refresh()
    assert site.refused(peer=about.get("peer") or PEER) == ""
    assert server.client.keys("tamis:bans*") == []


def test_behind_a_trusted_relay_it_is_the_peer_before_it(site: Site) -> None:
    site.traps(5, mail_class="relayed")
    assert site.refused()


def test_recent_ham_speaks_for_a_peer(site: Site) -> None:
    for _ in range(21):
        assert not site.bring([REAL]).verdicts[0].spam
    site.traps(40)
    assert site.refused() == ""
    site.refresh()
    assert site.engine._shared.ham.pending(PEER) == 0
    site.traps(40, 86_400)
    assert site.refused(seconds=86_400) == ""
    site.traps(5, 30 * 86_400)
    assert site.refused(seconds=30 * 86_400)


def test_ham_beside_traps_makes_the_share_that_counts(site: Site) -> None:
    for _ in range(8):
        site.bring([REAL])
    site.traps(7)
    assert site.refused() == ""
    site.traps(1)
    assert site.refused()


def test_spam_that_was_found_speaks_for_nobody(tmp_path: Path, server: Server) -> None:
    site = Site(tmp_path, server.url, lists=[Entry(ListName.BLACKLIST_SENDER, "sender.example")])
    for _ in range(30):
        assert site.bring([REAL]).verdicts[0].spam
    site.traps(5)
    assert site.refused()


def test_a_whitelist_made_later_ends_it_for_whom_it_holds(tmp_path: Path, server: Server) -> None:
    Site(tmp_path, server.url).traps(5)
    site = Site(tmp_path, server.url, lists=[Entry(ListName.WHITELIST_IP, PEER, "example.org")])
    site.refresh()
    assert site.refused(REAL) == ""
    assert site.refused("carol@example.com")


def test_addresses_of_one_network_of_ipv6_are_one_peer(site: Site) -> None:
    for number in range(5):
        site.traps(1, peer=f"2001:db8::{number + 1}")
    assert site.refused(peer="2001:db8::ffff:1").startswith("2001:db8::/64 is banned")
    assert site.refused(peer="2001:db8:0:1::1") == ""


def test_numbers_are_settings(tmp_path: Path, server: Server) -> None:
    config = "[bans]\ntrap_messages = 2\nwindow_minutes = 1\nfirst_minutes = 1\nham_messages = 0\ntrap_share = 0\n"
    site = Site(tmp_path, server.url, config)
    site.traps(1)
    site.traps(1, 60)
    assert site.refused(seconds=60) == ""
    site.traps(1, 61)
    assert site.refused(seconds=120).endswith("2 messages to traps within 1 min")
    assert site.refused(seconds=121) == ""
    site.bring([REAL], peer="192.0.2.8")
    site.traps(2, peer="192.0.2.8")
    assert site.refused(peer="192.0.2.8") == ""


# Others, and what fails


def test_other_machines_refuse_within_a_refresh(site: Site, tmp_path: Path, server: Server) -> None:
    other = Site(tmp_path, server.url)
    site.traps(5)
    assert other.refused() == ""
    other.refresh()
    assert other.refused()


def test_in_mode_observe_it_is_only_printed(tmp_path: Path, server: Server) -> None:
    site = Site(tmp_path, server.url, '[policy]\nmode = "observe"\n')
    site.traps(5)
    assert site.refused() == ""
    assert ("BANNED_IP", 0) in site.bring([REAL]).verdicts[0].tests


def test_ham_asks_redis_nothing(site: Site, server: Server) -> None:
    server.client.config_resetstat()
    for _ in range(50):
        site.bring([REAL])
    # Row 22 counts the recipients of each; rows 17, 18 to 20, 23 and 33 might have cached answers, and those of 17, 23
    # and 33 are kept.
    assert server.calls() == {"evalsha": 50, "eval": 1, "mget": 50, "set": 3 * 50}
    site.refresh()
    assert server.client.info("commandstats")["cmdstat_incrby"]["calls"] == 1


def test_redis_gone_bans_nobody_and_costs_no_message(tmp_path: Path) -> None:
    site = Site(tmp_path, f"unix://{tmp_path}/none.sock")
    started = time.monotonic()
    site.traps(20)
    site.engine.refresh()
    assert site.refused() == ""
    assert time.monotonic() - started < 2


def test_a_failure_costs_no_message(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Consequences, "follow", fail)
    assert site.bring([REAL]).verdicts[0].action == "deliver"
