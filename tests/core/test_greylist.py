"""First tries and those who came back: in a real Redis, and without one."""

import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tamis import limits
from tamis.greylist import Greylist
from tamis.redis_client import RedisClient
from tests.redis_server import Server

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NETWORK, SENDER, RECIPIENT = "192.0.2.0/24", "ann@sender.example", "bob@example.org"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


class Tries:
    """Tries at a greylist, by seconds after the first."""

    def __init__(self, redis: RedisClient) -> None:
        self.greylist = Greylist(redis)

    def all(
        self,
        seconds: float,
        recipients: Sequence[str] = (RECIPIENT,),
        network: str = NETWORK,
        sender: str = SENDER,
        enough: int = 0,
    ) -> list[float] | None:
        terms = {"delay": 5 * MINUTE, "retry": DAY, "lifetime": 35 * DAY, "enough": enough}
        now = NOW + timedelta(seconds=seconds)
        return self.greylist.waits(network, sender, recipients, now, **terms)  # type: ignore[arg-type]

    def __call__(self, seconds: float, network: str = NETWORK, sender: str = SENDER, to: str = RECIPIENT) -> float:
        found = self.all(seconds, [to], network, sender)
        assert found is not None
        return found[0]


@pytest.fixture
def tries(server: Server) -> Tries:
    return Tries(RedisClient(server.url))


pytestmark = pytest.mark.servers


def test_who_comes_back_after_the_delay_passes_from_then_on(tries: Tries) -> None:
    assert tries(0) == 300
    assert tries(10) == 290
    assert tries(299.999) == 0.001
    assert tries(300) == 0
    assert tries(300) == 0
    assert tries(34 * DAY) == 0


def test_early_tries_do_not_make_the_wait_longer(tries: Tries) -> None:
    assert [tries(60 * minute) for minute in range(6)] == [300, 240, 180, 120, 60, 0]


def test_who_comes_back_too_late_is_new(tries: Tries) -> None:
    tries(0)
    assert tries(DAY + 1) == 300
    assert tries(DAY + 301) == 0


@pytest.mark.parametrize(
    "other",
    [{"network": "198.51.100.0/24"}, {"sender": "eve@sender.example"}, {"to": "carol@example.org"}, {"sender": ""}],
)
def test_each_triplet_is_one_of_its_own(tries: Tries, other: dict[str, str]) -> None:
    tries(0)
    assert tries(300) == 0
    assert tries(301, **other) == 300


def test_words_do_not_run_into_each_other(tries: Tries) -> None:
    tries(0, sender="a", to="bc")
    assert tries(300, sender="ab", to="c") == 300


def test_recipients_of_one_message_wait_together(tries: Tries) -> None:
    people = ["a@example.org", "b@example.org", "c@example.org"]
    assert tries.all(0, people) == [300] * 3
    assert tries.all(300, [*people, "d@example.org"]) == [0, 0, 0, 300]


def test_a_peer_that_came_back_often_enough_passes_with_all(tries: Tries) -> None:
    for number in range(3):
        assert tries.all(0, [f"{number}@example.org"], enough=3) == [300]
    assert tries.all(301, ["0@example.org", "1@example.org", "new@example.org"], enough=3) == [0, 0, 300]
    assert tries.all(301, ["2@example.org"], enough=3) == [0]
    assert tries.all(301, ["new@example.org"], enough=3) == [0]
    assert tries.all(302, ["new@example.org"], enough=4) == [299]
    assert tries.all(302, ["new@example.org"], enough=0) == [299]
    assert tries.all(302, ["new@example.org"], "198.51.100.0/24", enough=3) == [300]


def test_the_same_triplet_again_makes_no_peer_known(tries: Tries) -> None:
    for seconds in (0, 300, 301, 302):
        tries.all(seconds, enough=2)
    assert tries.all(303, ["new@example.org"], enough=2) == [300]


def ttl(server: Server) -> list[int]:
    return sorted(int(server.client.pttl(key)) // 1000 for key in server.client.keys("tamis:grey:*"))


def test_lifetimes(tries: Tries, server: Server) -> None:
    """A first try is kept as long as it may come back, who came back for the lifetime since it was last seen."""
    tries(0)
    assert [round(seconds / DAY) for seconds in ttl(server)] == [1]
    tries(300)
    assert [round(seconds / DAY) for seconds in ttl(server)] == [35, 35]
    for key in server.client.keys("*"):
        server.client.expire(key, 60)
    assert tries.all(301, enough=1) == [0]
    assert [round(seconds / DAY) for seconds in ttl(server)] == [35, 35]


@pytest.mark.parametrize("jump", [-400 * DAY, -DAY, -1, -0.001])
def test_a_clock_that_is_set_back_costs_one_delay(tries: Tries, jump: float) -> None:
    tries(0)
    assert tries(jump) == 300
    assert tries(jump + 300) == 0


def test_a_clock_that_jumps_ahead_lets_pass_or_begins_anew(tries: Tries) -> None:
    tries(0)
    assert tries(2 * HOUR) == 0
    tries(0, to="carol@example.org")
    assert tries(400 * DAY, to="carol@example.org") == 300
    assert tries(1, to="carol@example.org") == 300
    assert tries(301, to="carol@example.org") == 0


def test_no_address_stands_in_redis_and_little_of_anything(tries: Tries, server: Server) -> None:
    tries(0)
    (triplet,) = server.client.keys("*")
    assert server.client.memory_usage(triplet) <= 120
    tries(300)
    assert server.client.memory_usage(triplet) <= 120
    stored = b"".join(server.client.dump(key) + key for key in server.client.keys("*"))
    assert not [word for word in (b"192", b"ann", b"sender", b"bob", b"example") if word in stored]


def test_memory_is_bounded(tries: Tries, server: Server) -> None:
    people = [f"user{number}@example.org" for number in range(limits.GREYLISTED_RECIPIENTS + 100)]
    for seconds in (0, 300):
        assert len(tries.all(seconds, people) or ()) == limits.GREYLISTED_RECIPIENTS
    (members,) = (key for key in server.client.keys("*") if server.client.type(key) == b"set")
    assert server.client.scard(members) == limits.GREYLIST_TRIPLETS
    assert server.client.memory_usage(members, samples=0) < 10_000


def test_one_round_trip_and_one_more_after_a_restart(tries: Tries, server: Server) -> None:
    tries.all(0, ["a@example.org", "b@example.org"])
    assert server.calls() == {"evalsha": 1, "eval": 1, "get": 2, "set": 2}
    server.client.config_resetstat()
    tries.all(300, ["a@example.org", "b@example.org"])
    assert server.calls()["evalsha"] == 1
    assert "eval" not in server.calls()
    server.reset()
    assert tries(301) == 300


def test_many_at_once_pass_together(server: Server) -> None:
    machines = [Tries(RedisClient(server.url, timeout=5)) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda number: machines[number % 4](0), range(30))) == {300}
        assert set(pool.map(lambda number: machines[number % 4](300), range(30))) == {0}


def test_garbage_and_a_full_server_are_no_answer_and_no_outage(tries: Tries, server: Server) -> None:
    tries(0)
    (key,) = server.client.keys("*")
    for command in (server.client.lpush, server.client.set):
        server.client.delete(key)
        command(key, b"\xff garbage")
        assert tries.all(1) is None
    assert tries(1, to="carol@example.org") == 300
    server.client.config_set("maxmemory", "1")
    try:
        assert tries.all(1, ["dave@example.org"]) is None
    finally:
        server.client.config_set("maxmemory", "0")
    assert tries(2, to="dave@example.org") == 300


def test_without_a_server_nobody_waits(tmp_path: Path) -> None:
    assert Tries(RedisClient()).all(0) is None
    client = RedisClient(f"unix://{tmp_path}/none.sock")
    assert [Tries(client).all(0) for _ in range(100)] == [None] * 100
    assert client.failures == 1


def test_a_hanging_server_costs_one_timeout(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "hangs.sock"))
        listener.listen()
        client = RedisClient(f"unix://{tmp_path}/hangs.sock", timeout=0.4)
        started = time.monotonic()
        assert [Tries(client).all(0) for _ in range(100)] == [None] * 100
        assert 0.3 < time.monotonic() - started < 0.75


def test_words_may_be_anything(tries: Tries) -> None:
    assert tries(0, "\ud800", "\udcff\n", "x" * 100_000) == 300
