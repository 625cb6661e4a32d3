"""Counts of distinct members in sliding windows: in a real Redis, and without one."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tamis import limits
from tamis.counters import Count, Counters
from tamis.redis_client import RedisClient, RoundTrip
from tests.redis_server import Server

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
WINDOW = 600.0


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def counters(server: Server) -> Counters:
    return Counters(RedisClient(server.url))


@pytest.mark.servers
def test_members_are_counted_once(counters: Counters) -> None:
    assert counters.count(b"x", ["a"], NOW, WINDOW) == 1
    assert counters.count(b"x", ["a", "a"], later(1), WINDOW) == 1
    assert counters.count(b"x", ["b", "a", "c"], later(2), WINDOW) == 3
    assert counters.count(b"x", [], later(3), WINDOW) == 3
    assert counters.count(b"y", ["d"], later(3), WINDOW) == 1


@pytest.mark.servers
def test_what_is_counted_ahead_is_counted_once_and_known_by_then(counters: Counters, server: Server) -> None:
    counters.count(b"x", ["a"], NOW, WINDOW)
    with RoundTrip(counters._redis) as trip:
        ahead = counters.ahead([Count(b"x", ("b", "c"), WINDOW), Count(b"x", ("b", "c"), 1.0)], later(60), trip)
    asked = server.calls()["evalsha"]
    assert ahead.count(b"x", ["b", "c"], later(60), WINDOW) == 3
    assert ahead.count(b"x", ["b", "c"], later(60), 1.0) == 2
    assert server.calls()["evalsha"] == asked
    # All else is counted when it is asked for.
    assert ahead.count(b"x", ["d"], later(60), WINDOW) == 4
    assert ahead.count(b"x", ["b", "c"], later(661), WINDOW) == 2


def test_nothing_is_counted_ahead_where_redis_is_away() -> None:
    away = Counters(RedisClient())
    with RoundTrip(RedisClient()) as trip:
        ahead = away.ahead([Count(b"x", ("a",), WINDOW)], NOW, trip)
    assert ahead.count(b"x", ["a"], NOW, WINDOW) is None


@pytest.mark.servers
def test_the_window_slides(counters: Counters) -> None:
    """Each member counts for the whole window after it was counted last, to the millisecond."""
    for second in range(10):
        assert counters.count(b"x", [f"m{second}"], later(60 * second), WINDOW) == second + 1
    assert counters.count(b"x", [], later(599.999), WINDOW) == 10
    assert counters.count(b"x", [], later(600), WINDOW) == 9
    assert counters.count(b"x", ["m1"], later(659), WINDOW) == 9
    assert counters.count(b"x", [], later(720), WINDOW) == 8
    assert counters.count(b"x", [], later(659 + 600), WINDOW) == 0


@pytest.mark.servers
def test_each_asks_for_a_window_of_its_own(counters: Counters, server: Server) -> None:
    """A short window takes nothing from a long one, neither members nor lifetime."""
    counters.count(b"x", ["a"], NOW, 3600)
    assert counters.count(b"x", ["b"], later(1000), 60) == 1
    assert counters.count(b"x", ["c"], later(2000), 3600) == 3
    assert 3590 < ttl(server) <= 3600


def ttl(server: Server) -> int:
    (key,) = server.client.keys("tamis:count:*")
    return int(server.client.ttl(key))


@pytest.mark.servers
def test_what_is_no_longer_counted_is_forgotten(counters: Counters, server: Server) -> None:
    assert counters.count(b"x", ["a"], NOW, 0.2) == 1
    time.sleep(0.3)
    assert server.client.keys("*") == []
    counters.count(b"x", ["a"], NOW, WINDOW)
    assert 590 < ttl(server) <= 600


@pytest.mark.servers
def test_memory_is_bounded(counters: Counters, server: Server) -> None:
    many = (f"user{number}@example.org" for number in range(100_000))
    assert counters.count(b"x", many, NOW, WINDOW) == limits.COUNTED_MEMBERS
    for batch in range(5):
        members = [f"{batch}.{number}" for number in range(400)]
        assert counters.count(b"x", members, later(batch + 1), WINDOW) == limits.COUNTED_MEMBERS
    (key,) = server.client.keys("*")
    assert server.client.memory_usage(key, samples=0) < 100_000
    server.client.flushall()
    counters.count(b"x", (f"user{number}@example.org" for number in range(30)), NOW, WINDOW)
    assert server.client.memory_usage(key, samples=0) < 1000


@pytest.mark.servers
def test_no_member_and_no_name_stands_in_redis(counters: Counters, server: Server) -> None:
    counters.count(b"secret", ["ann@example.org"], NOW, WINDOW)
    counters.count(b"other", ["ann@example.org"], NOW, WINDOW)
    stored = [(key, *server.client.zrange(key, 0, -1)) for key in server.client.keys("*")]
    assert not any(word in piece for pieces in stored for piece in pieces for word in (b"secret", b"ann", b"example"))
    assert len({pieces[1] for pieces in stored}) == 2


@pytest.mark.servers
def test_one_round_trip_and_one_more_after_a_restart(counters: Counters, server: Server) -> None:
    counters.count(b"x", ["a", "b"], NOW, WINDOW)
    assert server.calls() == {"evalsha": 1, "eval": 1}
    for number in range(5):
        counters.count(b"x", [f"{number}"] * 20, NOW, WINDOW)
    assert server.calls() == {"evalsha": 6, "eval": 1}
    server.reset()
    assert counters.count(b"x", ["a"], NOW, WINDOW) == 1


@pytest.mark.servers
def test_many_at_once_see_each_other(server: Server) -> None:
    """Of thirty who count at the same moment on several machines, one is told thirty."""
    machines = [Counters(RedisClient(server.url, timeout=5)) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda number: machines[number % 4].count(b"x", [f"{number}"], NOW, WINDOW), range(30))
        assert sorted(str(count) for count in found) == sorted(str(count) for count in range(1, 31))


@pytest.mark.servers
def test_a_clock_that_was_wrong_does_no_harm(counters: Counters) -> None:
    """What was counted with a clock a day ahead does not count once it is set right."""
    day = 86_400.0
    assert counters.count(b"x", ["a", "b"], later(day), WINDOW) == 2
    assert counters.count(b"x", ["c"], NOW, WINDOW) == 1
    assert counters.count(b"x", ["d"], later(-1), WINDOW) == 2
    assert counters.count(b"x", ["e"], later(-day), WINDOW) == 1


@pytest.mark.servers
def test_garbage_is_no_number_and_no_outage(counters: Counters, server: Server) -> None:
    counters.count(b"x", ["a"], NOW, WINDOW)
    (key,) = server.client.keys("*")
    server.client.delete(key)
    server.client.set(key, b"\xff garbage")
    assert counters.count(b"x", ["a"], NOW, WINDOW) is None
    assert counters.count(b"y", ["a"], NOW, WINDOW) == 1


@pytest.mark.servers
def test_a_full_redis_is_no_number(counters: Counters, server: Server) -> None:
    server.client.config_set("maxmemory", "1")
    try:
        assert counters.count(b"x", ["a"], NOW, WINDOW) is None
    finally:
        server.client.config_set("maxmemory", "0")
    assert counters.count(b"x", ["a"], NOW, WINDOW) == 1


def test_names_and_members_may_be_anything() -> None:
    assert Counters(RedisClient()).count(b"", ["", "\udcff", "\ud800", "x" * 100_000], NOW, WINDOW) is None


def test_without_a_server_there_is_no_number(tmp_path: Path) -> None:
    assert Counters(RedisClient()).count(b"x", ["a"], NOW, WINDOW) is None
    client = RedisClient(f"unix://{tmp_path}/none.sock")
    assert [Counters(client).count(b"x", ["a"], NOW, WINDOW) for _ in range(100)] == [None] * 100
    assert client.failures == 1


@pytest.mark.slow
def test_a_hanging_server_costs_one_timeout_and_then_nothing(tmp_path: Path) -> None:
    """It takes the connection and never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "hangs.sock"))
        listener.listen()
        client = RedisClient(f"unix://{tmp_path}/hangs.sock", timeout=0.4)
        started = time.monotonic()
        assert [Counters(client).count(b"x", ["a"], NOW, WINDOW) for _ in range(100)] == [None] * 100
        assert 0.3 < time.monotonic() - started < 0.75
        assert client.failures == 1
