"""Automatic bans and the ham that speaks for a peer: in a real Redis, and without one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tamis import limits
from tamis.bans import Bans, Offence, unit_of
from tamis.ham_counts import HamCounts
from tamis.mail import parse_ip
from tamis.redis_client import RedisClient
from tests.redis_server import Server

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
PEER = "192.0.2.7"
MINUTES, DAYS = 60.0, 86_400.0
OFFENCE = Offence(5, 20, 0.5, "5 messages to traps: within 60 min")


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Machine:
    """One process that knows bans and counts ham."""

    def __init__(self, redis: RedisClient) -> None:
        self.bans, self.ham = Bans(redis), HamCounts(redis)

    def ban(self, seconds: float = 0, peer: str = PEER, domain: str = "", offence: Offence = OFFENCE) -> float:
        """Return the minutes of a ban, 0 for none."""
        now = later(seconds)
        until = self.bans.ban(peer, domain, offence, self.ham, now, first=15 * MINUTES, longest=DAYS)
        return (until - now).total_seconds() / 60 if until else 0.0

    def banned(self, seconds: float = 0, peer: str = PEER, domain: str = "") -> bool:
        address = parse_ip(peer)
        assert address is not None
        ban = self.bans.find(domain, address, later(seconds))
        # What a worker goes by without asking.
        assert ban is None or self.bans.concern(address)
        return ban is not None

    def saw(self, ham: int, seconds: float = 0, peer: str = PEER) -> None:
        for _ in range(ham):
            self.ham.note(peer)
        self.ham._flush_at = 0.0
        self.ham.flush(later(seconds))


@pytest.fixture
def machine(server: Server) -> Machine:
    return Machine(RedisClient(server.url))


@pytest.fixture
def other(server: Server) -> Machine:
    return Machine(RedisClient(server.url))


pytestmark = pytest.mark.servers


def test_a_ban_holds_at_once_and_ends(machine: Machine) -> None:
    assert machine.ban() == 15
    assert machine.banned(15 * 60 - 1)
    assert not machine.banned(15 * 60)
    assert not machine.banned(0, "192.0.2.8")
    assert not machine.banned(0, domain="example.org")
    (ban,) = machine.bans.known(NOW)
    assert (ban.network, ban.domain, ban.began, ban.until, ban.times) == (PEER, "", NOW, later(900), 1)
    assert ban.why == OFFENCE.why
    assert machine.bans.known(later(900)) == []


def test_each_ban_is_twice_as_long_up_to_a_day(machine: Machine) -> None:
    now, found = 0.0, []
    for _ in range(9):
        found.append(machine.ban(now))
        now += 60 * found[-1]
    assert found == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    assert machine.ban(now + 7 * DAYS - 1) == 1440
    assert machine.ban(now + 16 * DAYS) == 15


def test_who_is_banned_is_not_banned_again(machine: Machine, other: Machine) -> None:
    assert machine.ban() == 15
    assert [machine.ban(10), other.ban(899)] == [0, 0]
    assert other.ban(900) == 30


def test_others_learn_of_it(machine: Machine, other: Machine) -> None:
    machine.ban()
    assert not other.banned()
    assert other.bans.refresh(NOW)
    assert other.banned()
    assert machine.bans.remove(PEER, "") is True
    assert other.banned()
    other.bans.refresh(NOW)
    assert not other.banned()
    assert machine.bans.remove(PEER, "") is False
    assert machine.ban(1) == 15


def test_nothing_is_read_while_nothing_changes(machine: Machine, server: Server) -> None:
    machine.ban()
    machine.bans.refresh(NOW)
    server.client.hset("tamis:bans", " 192.0.2.7", "spoilt")
    for second in range(5):
        machine.bans.refresh(later(second))
    assert machine.banned()


def test_a_server_that_lost_everything_has_no_bans(machine: Machine, server: Server) -> None:
    machine.ban()
    server.reset()
    assert machine.banned()
    machine.bans.refresh(NOW)
    assert not machine.banned()
    assert machine.ban() == 15


def test_a_domains_ban_is_its_own(machine: Machine) -> None:
    assert machine.ban(domain="example.org") == 15
    assert machine.banned(domain="example.org")
    assert not machine.banned()
    assert machine.ban() == 15


# Guards


def test_recent_ham_above_a_number_speaks_for_a_peer(machine: Machine, other: Machine) -> None:
    many = Offence(500, 20, 0.0, "")
    machine.saw(11)
    other.saw(9)
    assert machine.ban(offence=many) == 15
    machine.saw(1, peer="192.0.2.8")
    other.saw(20, peer="192.0.2.8")
    assert machine.ban(peer="192.0.2.8", offence=many) == 0
    assert machine.ban(peer="192.0.2.8", offence=Offence(500, 21, 0.0, "")) == 15


def test_ham_that_is_not_written_yet_counts_where_it_came(machine: Machine, other: Machine) -> None:
    for _ in range(21):
        machine.ham.note(PEER)
    assert machine.ban() == 0
    assert other.ban() == 15


@pytest.mark.parametrize(("bad", "ham", "minutes"), [(5, 5, 15), (5, 6, 0), (7, 6, 15), (19, 20, 0), (20, 20, 15)])
def test_the_share_of_what_a_peer_brings(machine: Machine, bad: int, ham: int, minutes: int) -> None:
    machine.saw(ham)
    assert machine.ban(offence=Offence(bad, 20, 0.5, "")) == minutes


@pytest.mark.parametrize(("days", "recent"), [(0, True), (7, True), (14.1, False), (30, False)])
def test_ham_is_recent_for_one_to_two_weeks(machine: Machine, days: float, recent: bool) -> None:
    machine.saw(30)
    assert (machine.ban(days * DAYS) == 0) == recent


def test_ham_in_redis_is_a_number_with_an_end(machine: Machine, server: Server) -> None:
    machine.saw(3)
    machine.saw(4, 3600)
    (key,) = server.client.keys("tamis:ham:*")
    assert server.client.get(key) == b"7"
    assert 13.9 < server.client.ttl(key) / DAYS <= 14
    assert b"192" not in key
    assert server.client.memory_usage(key) < 100


def test_ham_is_written_every_few_seconds_in_one_round_trip(machine: Machine, server: Server) -> None:
    for number in range(300):
        machine.ham.note(f"198.51.100.{number % 200}")
    machine.ham.flush(NOW)
    assert len(server.client.keys("tamis:ham:*")) == 200
    machine.ham.note(PEER)
    machine.ham.flush(NOW)
    assert machine.ham.pending(PEER) == 1
    assert len(server.client.keys("tamis:ham:*")) == 200


def test_memory_is_bounded(machine: Machine, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BANS", 10)
    for number in range(30):
        assert machine.ban(number, f"198.51.100.{number}") == 15
    assert server.client.hlen("tamis:bans") == server.client.zcard("tamis:bans:ends") == 10
    assert [ban.network for ban in machine.bans.known(later(30))] == [
        f"198.51.100.{number}" for number in range(20, 30)
    ]
    monkeypatch.setattr(limits, "PENDING_PEERS", 10)
    for number in range(30):
        machine.ham.note(f"198.51.100.{number}")
        machine.ham.note("198.51.100.0")
    assert sum(machine.ham.pending(f"198.51.100.{number}") for number in range(30)) == 40


def test_what_is_over_for_a_week_is_forgotten(machine: Machine, server: Server) -> None:
    machine.ban()
    machine.ban(8 * DAYS, "192.0.2.8")
    assert server.client.hkeys("tamis:bans") == [b" 192.0.2.8"]


# Clocks, spoilt data, no Redis


@pytest.mark.parametrize("ahead", [3600.0, 400 * DAYS])
def test_a_ban_made_with_a_clock_that_was_ahead_does_no_harm(machine: Machine, ahead: float) -> None:
    machine.ban(ahead)
    machine.bans.refresh(NOW)
    assert not machine.banned()
    assert machine.banned(ahead)


@pytest.mark.parametrize("value", [b"", b"\xff", b"1:2:3", b"x:y:z:w", b"99999999999999999999:1:1:why", b"1:2:-:why"])
def test_spoilt_data_are_no_ban(machine: Machine, server: Server, value: bytes) -> None:
    machine.ban(peer="192.0.2.8")
    for field in (b" 192.0.2.7", b"nonsense", b"\xff 192.0.2.7"):
        server.client.hset("tamis:bans", field, value)
        server.client.zadd("tamis:bans:ends", {field: 1e15})
    server.client.set("tamis:bans:changed", "now")
    assert machine.bans.refresh(NOW)
    assert [ban.network for ban in machine.bans.known(NOW)] == ["192.0.2.8"]
    assert machine.ban(1) >= 15


def test_a_key_of_another_kind_bans_nobody(machine: Machine, server: Server) -> None:
    server.client.set("tamis:bans", "x")
    assert machine.ban() == 0
    server.client.delete("tamis:bans")
    assert machine.ban() == 15


def test_known_bans_outlast_the_server_until_they_end(machine: Machine, tmp_path: Path) -> None:
    machine.ban()
    away = RedisClient(f"unix://{tmp_path}/none.sock")
    machine.bans._redis = away
    assert machine.bans.refresh(NOW) is False
    assert machine.banned(899)
    assert not machine.banned(900)
    assert machine.bans.remove(PEER, "") is None
    assert Machine(away).ban() == 0
    Machine(away).saw(5)
    assert away.failures == 1


@pytest.mark.parametrize(
    ("peer", "unit"), [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::7", "2001:db8:1:2::/64"), ("::1", "::/64")]
)
def test_what_is_one_peer(peer: str, unit: str) -> None:
    address = parse_ip(peer)
    assert address is not None
    assert unit_of(address) == unit
