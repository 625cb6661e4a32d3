"""Answers of the DNS in a real Redis: for as long as they hold, shared by those who ask the same servers."""

import time
from pathlib import Path

import msgspec
import pytest

from tamis.dns import Answer, Question, Status
from tamis.dns.resolver import Resolver
from tamis.dns.servers import Address
from tamis.dns.shared import Shared
from tamis.redis_client import RedisClient
from tests.dns.conftest import Resolvers
from tests.dns_server import DnsServer
from tests.redis_server import Server

pytestmark = pytest.mark.servers

SERVERS = [Address("192.0.2.53", 53)]
RECORDS = {
    Question("example.org"): Answer(Status.OK, ("192.0.2.1", "192.0.2.2"), 300, True),
    Question("example.org", "MX"): Answer(Status.OK, ((10, "mx.example.org"), (20, "mx2.example.org")), 300),
    Question("example.org", "TXT"): Answer(Status.OK, (b"v=spf1 -all", b"\xff"), 300),
    Question("example.org", "SOA"): Answer(Status.OK, (("ns.example", "host.example", 1, 2, 3, 4, 5),), 300),
    Question("none.example"): Answer(Status.NXDOMAIN, (), 60),
    Question("example.org", "NS"): Answer(Status.NODATA, (), 60),
}


def shared(server: Server, servers: list[Address] = SERVERS) -> Shared:
    return Shared(RedisClient(server.url), servers)


def look_up(resolver: Resolver, *questions: Question) -> list[Answer | None]:
    flights = resolver.ask(questions)
    resolver.wait(flights, time.monotonic() + 5)
    return [flight.answer for flight in flights]


def test_every_kind_of_record_comes_back_as_it_was(server: Server) -> None:
    cache = shared(server)
    assert cache.fetch(list(RECORDS)) == [None] * len(RECORDS)
    cache.remember([(question, answer, time.time()) for question, answer in RECORDS.items()])
    found = shared(server).fetch(list(RECORDS))
    assert [entry and entry[0] for entry in found] == list(RECORDS.values())
    assert all(entry and 0 <= entry[0].ttl - entry[1] <= 1 for entry in found)
    calls = server.calls()
    assert (calls["mget"], calls["set"]) == (2, len(RECORDS))
    for key in server.client.scan_iter():
        lifetime = server.client.ttl(key)
        assert lifetime <= (60 if b"none" in key or b" NS" in key else 300)
        assert lifetime > 0


def test_failures_and_what_hardly_holds_are_not_stored(server: Server) -> None:
    answers = [Answer(Status.SERVFAIL), Answer(Status.TIMEOUT, ttl=60), Answer(Status.OK, ("192.0.2.1",), 1)]
    shared(server).remember([(Question(f"host{n}.example"), answer, time.time()) for n, answer in enumerate(answers)])
    assert list(server.client.scan_iter()) == []


def test_what_is_left_of_its_time_counts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = shared(server)
    cache.remember([(question, answer, time.time()) for question, answer in RECORDS.items()])
    now = time.time()
    monkeypatch.setattr("tamis.dns.shared.time.time", lambda: now + 100)
    found = cache.fetch(list(RECORDS))
    assert [entry and round(entry[1], -1) for entry in found] == [200, 200, 200, 200, None, None]
    # A clock that is wrong does not make it hold for longer than it ever did.
    monkeypatch.setattr("tamis.dns.shared.time.time", lambda: now - 5000)
    assert [entry and entry[1] for entry in cache.fetch(list(RECORDS))] == [300, 300, 300, 300, 60, 60]


def test_those_who_ask_other_servers_hear_for_themselves(server: Server) -> None:
    shared(server).remember([(question, answer, time.time()) for question, answer in RECORDS.items()])
    assert shared(server, [Address("192.0.2.54", 53)]).fetch(list(RECORDS)) == [None] * len(RECORDS)


def test_a_second_worker_asks_redis_alone(server: Server, name_server: DnsServer, resolver_of: Resolvers) -> None:
    questions = [Question("example.org"), Question("none.example"), Question("example.org", "NS")]
    first = resolver_of(name_server, shared=shared(server))
    said = look_up(first, *questions)
    first.flush()
    assert len(name_server.asked) == 3
    first.flush()
    calls = server.calls()
    assert (calls["mget"], calls["set"]) == (1, 3)
    second = resolver_of(name_server, shared=shared(server))
    assert look_up(second, *questions) == said
    assert look_up(second, *questions) == said  # From its own memory.
    assert len(name_server.asked) == 3
    second.flush()
    assert server.calls() == {**calls, "mget": 2}


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\xff" * 100, msgspec.msgpack.encode([10**10, ["ok", [1], 5]])])
def test_garbage_in_redis_is_ignored(server: Server, garbage: bytes) -> None:
    cache = shared(server)
    cache.remember([(question, answer, time.time()) for question, answer in RECORDS.items()])
    for key in server.client.scan_iter():
        server.client.set(key, garbage)
    assert cache.fetch(list(RECORDS)) == [None] * len(RECORDS)


def test_many_are_stored_in_one_round_trip(server: Server) -> None:
    cache = shared(server)
    for turn in range(3):
        cache.remember([(question, answer, time.time()) for question, answer in RECORDS.items()])
        calls = server.calls()
        assert calls["set"] == len(RECORDS) * (turn + 1)
        assert calls["evalsha"] <= turn + 2  # The script is not known the first time.


def test_a_full_redis_costs_nothing(server: Server) -> None:
    server.client.config_set("maxmemory", "1")
    try:
        shared(server).remember([(question, answer, time.time()) for question, answer in RECORDS.items()])
    finally:
        server.client.config_set("maxmemory", "0")
    assert shared(server).fetch(list(RECORDS)) == [None] * len(RECORDS)


def test_a_redis_that_is_away_is_slower_and_no_different(
    tmp_path: Path, name_server: DnsServer, resolver_of: Resolvers
) -> None:
    away = RedisClient(f"unix://{tmp_path}/none.sock")
    resolver = resolver_of(name_server, shared=Shared(away, SERVERS))
    for number in range(20):
        (answer,) = look_up(resolver, Question(f"host{number}.example"))
        assert answer
        assert answer.records == (f"192.0.2.{number}",)
        resolver.flush()
    assert away.failures == 1


def test_few_questions_to_a_near_server_do_not_wait_for_redis(
    server: Server, name_server: DnsServer, resolver_of: Resolvers
) -> None:
    resolver = resolver_of(name_server, shared=shared(server))
    resolver._quickest = 0.0005
    look_up(resolver, *(Question(f"host{number}.example") for number in range(8)))
    assert "mget" not in server.calls()
    look_up(resolver, *(Question(f"host{number}.example") for number in range(10, 19)))
    assert server.calls()["mget"] == 1
    resolver.flush()
    assert len(list(server.client.scan_iter("tamis:dns:*"))) == 17


def test_of_a_far_server_redis_is_asked_first(server: Server, name_server: DnsServer, resolver_of: Resolvers) -> None:
    name_server.delay = 0.05
    resolver = resolver_of(name_server, shared=shared(server))
    resolver._quickest = 0.0029
    for number in range(20):
        look_up(resolver, *(Question(f"host{number}-{one}.example") for one in range(9)))
        if resolver._quickest > 0.003:
            break
    before = server.calls()["mget"]
    look_up(resolver, Question("example.org"))
    assert server.calls()["mget"] == before + 1


def test_where_a_near_server_fails_redis_is_asked_first_until_it_knows_something_again(
    server: Server, name_server: DnsServer, resolver_of: Resolvers
) -> None:
    resolver = resolver_of(name_server, shared=shared(server))
    resolver._quickest = 0.0005
    (failed,) = look_up(resolver, Question("broken.example"))
    assert failed
    assert failed.status is Status.SERVFAIL
    look_up(resolver, Question("host1.example"))
    assert server.calls()["mget"] == 1


def test_a_near_server_that_answers_no_more_is_near_no_more(
    server: Server, name_server: DnsServer, resolver_of: Resolvers
) -> None:
    cache = shared(server)
    cache.remember([(question, answer, time.time()) for question, answer in RECORDS.items()])
    resolver = resolver_of(name_server, shared=cache)
    resolver._quickest = 0.0005
    name_server.stop()
    try:
        (lost,) = look_up(resolver, Question("host1.example"))
        assert lost
        assert lost.temporary
        question = Question("example.org", "MX")
        assert look_up(resolver, question) == [RECORDS[question]]
    finally:
        name_server.start()
