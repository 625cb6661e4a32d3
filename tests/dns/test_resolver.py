"""The engine against a real server: what it asks, how often, and what it makes of every fault."""

import threading
import time
from contextlib import suppress

import pytest

from tamis import limits
from tamis.dns import Answer, Question, Status
from tamis.dns.lookups import Lookups
from tamis.dns.resolver import Resolver
from tests import dns_server
from tests.dns.conftest import Resolvers
from tests.dns_server import DnsServer


def ask(resolver: Resolver, *names: str, wait: float = 5.0) -> list[Answer]:
    """Ask "name" or "name TYPE" of each."""
    flights = resolver.ask(question(name) for name in names)
    resolver.wait(flights, time.monotonic() + wait)
    return [flight.answer or Answer(Status.TIMEOUT) for flight in flights]


def question(text: str) -> Question:
    name, _, kind = text.partition(" ")
    return Question(name, kind or "A")  # type: ignore[arg-type]


def status(resolver: Resolver, *names: str) -> list[Status]:
    return [answer.status for answer in ask(resolver, *names)]


# --- answers


def test_each_type(name_server: DnsServer, resolver_of: Resolvers) -> None:
    answers = ask(
        resolver_of(name_server),
        *("example.org", "example.org AAAA", "example.org MX", "example.org TXT", "www.example.org"),
        *("1.2.0.192.in-addr.arpa PTR", "null.example MX"),
    )
    assert [sorted(answer.records) for answer in answers] == [
        ["192.0.2.1", "192.0.2.2"],
        ["2001:db8::1"],
        [(10, "mx.example.org"), (20, "mx2.example.org")],
        [b"v=spf1 -all"],
        ["192.0.2.1", "192.0.2.2"],
        ["mail.example.org"],
        [(0, "")],
    ]
    assert {answer.status for answer in answers} == {Status.OK}


def test_what_is_not_there_and_what_fails(name_server: DnsServer, resolver_of: Resolvers) -> None:
    names = ("none.example", "example.org NS", "broken.example", "refused.example", "a..b", "x" * 64)
    assert status(resolver_of(name_server), *names) == [
        Status.NXDOMAIN,
        Status.NODATA,
        Status.SERVFAIL,
        Status.REFUSED,
        Status.INVALID,
        Status.INVALID,
    ]
    assert len(name_server.asked) == 4


def test_asking_returns_at_once_and_the_questions_go_in_parallel(resolver_of: Resolvers) -> None:
    with DnsServer(dns_server_zone(20), delay=0.2) as server:
        resolver = resolver_of(server, timeout=2)
        started = time.monotonic()
        flights = resolver.ask(Question(f"host{number}.example") for number in range(20))
        assert [flight.answer for flight in flights] == [None] * 20
        resolver.wait(flights, started + 5)
        assert 0.2 <= time.monotonic() - started < 2
    assert all(flight.answer and flight.answer.records == ("192.0.2.1",) for flight in flights)


def dns_server_zone(count: int) -> dict[str, list[str]]:
    return {f"host{number}.example": ["192.0.2.1"] for number in range(count)}


# --- each question once


def test_a_question_in_flight_is_shared(resolver_of: Resolvers) -> None:
    with DnsServer({"example.org": ["192.0.2.1"]}, delay=0.2) as server:
        resolver = resolver_of(server, timeout=2)
        found: list[Answer] = []
        threads = [threading.Thread(target=lambda: found.extend(ask(resolver, "example.org"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.records for answer in found] == [("192.0.2.1",)] * 8
        assert server.questions() == ["example.org A"]


def test_an_answer_is_remembered_negative_ones_too(name_server: DnsServer, resolver_of: Resolvers) -> None:
    resolver = resolver_of(name_server)
    names = ("example.org", "none.example", "example.org NS")
    assert ask(resolver, *names) == ask(resolver, *names)
    assert len(name_server.asked) == 3


def test_an_answer_is_forgotten_when_it_no_longer_holds(
    name_server: DnsServer, resolver_of: Resolvers, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = resolver_of(name_server)
    ask(resolver, "example.org", "none.example")
    now = time.monotonic()
    monkeypatch.setattr("tamis.dns.resolver.time.monotonic", lambda: now + 61)  # Beyond the SOA's minimum.
    ask(resolver, "example.org", "none.example", wait=100)
    assert name_server.questions() == ["example.org A", "none.example A", "none.example A"]


def test_a_failure_is_remembered_for_a_moment(
    name_server: DnsServer, resolver_of: Resolvers, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = resolver_of(name_server)
    for _ in range(3):
        assert status(resolver, "broken.example") == [Status.SERVFAIL]
    assert len(name_server.asked) == 1
    now = time.monotonic()
    monkeypatch.setattr("tamis.dns.resolver.time.monotonic", lambda: now + limits.DNS_ERROR_SECONDS + 0.1)
    ask(resolver, "broken.example", wait=100)
    assert len(name_server.asked) == 2


def test_what_holds_for_no_time_is_asked_again(resolver_of: Resolvers) -> None:
    with DnsServer({"example.org": ["192.0.2.1"]}, ttl=0) as server:
        resolver = resolver_of(server)
        for _ in range(2):
            assert ask(resolver, "example.org")[0].records == ("192.0.2.1",)
        assert len(server.asked) == 2
        # But within one message it is one answer.
        lookups = Lookups(resolver)
        for _ in range(3):
            assert lookups.ask([Question("example.org")])[0].records == ("192.0.2.1",)
        assert len(server.asked) == 3


# --- faults of one answer


@pytest.mark.slow
@pytest.mark.parametrize("fault", [dns_server.drop, dns_server.garbage, dns_server.wrong_id, dns_server.wrong_question])
def test_what_is_no_reply_is_waited_out(
    name_server: DnsServer, resolver_of: Resolvers, fault: dns_server.Fault
) -> None:
    """Anybody may have sent it: it must neither be taken nor end the waiting for the true reply."""
    name_server.faults["example.org"] = fault
    resolver = resolver_of(name_server, timeout=0.2)
    started = time.monotonic()
    assert status(resolver, "example.org", "host1.example") == [Status.TIMEOUT, Status.OK]
    assert 0.55 < time.monotonic() - started < 3
    assert name_server.questions().count("example.org A") == 3


@pytest.mark.slow
def test_a_reply_from_elsewhere_is_not_taken(name_server: DnsServer, resolver_of: Resolvers) -> None:
    name_server.from_elsewhere.add("example.org")
    assert status(resolver_of(name_server, timeout=0.1), "example.org", "host1.example") == [Status.TIMEOUT, Status.OK]


def test_the_true_reply_is_taken_among_forged_ones(name_server: DnsServer, resolver_of: Resolvers) -> None:
    def forge(query: bytes, reply: bytes) -> list[bytes]:
        forged = [dns_server.wrong_id(query, reply)[0] for _ in range(50)]
        return [*forged, *dns_server.wrong_question(query, reply), b"", b"\0", reply[:11], reply, *forged]

    name_server.faults["host7.example"] = forge
    assert ask(resolver_of(name_server), "host7.example")[0].records == ("192.0.2.7",)
    assert name_server.questions() == ["host7.example A"]


def test_garbage_in_a_true_reply_is_a_failure_at_once(name_server: DnsServer, resolver_of: Resolvers) -> None:
    name_server.faults["example.org"] = dns_server.garbage_inside
    started = time.monotonic()
    assert status(resolver_of(name_server, timeout=2), "example.org") == [Status.SERVFAIL]
    assert time.monotonic() - started < 1.9


@pytest.mark.slow
def test_a_lost_question_is_sent_again(name_server: DnsServer, resolver_of: Resolvers) -> None:
    seen: list[bytes] = []

    def lose_the_first(query: bytes, reply: bytes) -> list[bytes]:
        seen.append(query)
        return [reply] if len(seen) > 1 else []

    name_server.faults["example.org"] = lose_the_first
    started = time.monotonic()
    assert status(resolver_of(name_server), "example.org") == [Status.OK]
    assert 0.35 < time.monotonic() - started < 2
    assert len({query[:2] for query in seen}) == 2


@pytest.mark.slow
def test_a_late_reply_to_the_first_try_is_taken(name_server: DnsServer, resolver_of: Resolvers) -> None:
    first: list[bytes] = []

    def keep(query: bytes, reply: bytes) -> list[bytes]:
        first.append(reply)
        return first[:1] if len(first) > 1 else []

    name_server.faults["example.org"] = keep
    assert status(resolver_of(name_server, attempts=2), "example.org") == [Status.OK]
    assert len(first) == 2


def test_ids_and_ports_change(name_server: DnsServer, resolver_of: Resolvers) -> None:
    seen: set[bytes] = set()
    for number in range(100):
        name_server.faults[f"host{number}.example"] = lambda query, reply: (seen.add(query[:2]), [reply])[1]
    resolver = resolver_of(name_server)
    with suppress(ValueError):
        ask(resolver, *(f"host{number}.example" for number in range(100)))
    assert len(seen) > 95
    assert len(name_server.ports) == 2


# --- large answers, old servers


def test_a_large_answer_comes_over_tcp(resolver_of: Resolvers) -> None:
    with DnsServer({"large.example TXT": ["x" * 60_000], "other.example": ["192.0.2.1"]}) as server:
        answers = ask(resolver_of(server), "large.example TXT", "other.example")
        assert [answer.records for answer in answers] == [(b"x" * 60_000,), ("192.0.2.1",)]
        assert server.questions("tcp") == ["large.example TXT"]


@pytest.mark.parametrize("fault", [dns_server.drop, dns_server.wrong_id, dns_server.garbage, dns_server.wrong_question])
@pytest.mark.slow
def test_faults_over_tcp_cost_one_bounded_wait(resolver_of: Resolvers, fault: dns_server.Fault) -> None:
    with DnsServer({"large.example TXT": ["x" * 2000]}) as server:
        server.tcp_faults["large.example"] = fault
        started = time.monotonic()
        (answer,) = ask(resolver_of(server), "large.example TXT")
        assert answer.temporary
        assert time.monotonic() - started < 1.9


@pytest.mark.slow
def test_after_a_fault_over_tcp_the_next_server_is_asked(name_server: DnsServer, resolver_of: Resolvers) -> None:
    with DnsServer({"example.org": [f"192.0.2.{number}" for number in range(200)]}) as truncating:
        truncating.tcp_faults["example.org"] = dns_server.wrong_id
        assert ask(resolver_of(truncating, name_server), "example.org")[0].records == ("192.0.2.1", "192.0.2.2")
        name_server.silent = True
        started = time.monotonic()
        assert status(resolver_of(truncating, name_server), "example.org") == [Status.TIMEOUT]
        assert time.monotonic() - started < 3


@pytest.mark.slow
def test_a_reply_that_drips_is_given_up(resolver_of: Resolvers) -> None:
    with DnsServer({"large.example TXT": ["x" * 2000]}) as server:
        server.drips = True
        started = time.monotonic()
        assert status(resolver_of(server), "large.example TXT") == [Status.TIMEOUT]
        assert time.monotonic() - started < 1.9


def test_a_server_without_edns(name_server: DnsServer, resolver_of: Resolvers) -> None:
    name_server.faults["example.org"] = dns_server.no_edns
    assert status(resolver_of(name_server), "example.org") == [Status.OK]
    assert name_server.questions() == ["example.org A"] * 2


def test_a_server_that_knows_no_question_at_all(name_server: DnsServer, resolver_of: Resolvers) -> None:
    name_server.faults["example.org"] = lambda query, reply: [query[:2] + b"\x81\x84" + bytes(8)]
    assert status(resolver_of(name_server), "example.org") == [Status.SERVFAIL]
    assert name_server.questions() == ["example.org A"] * 2


# --- more than one server


def test_the_next_server_is_asked_where_one_fails(name_server: DnsServer, resolver_of: Resolvers) -> None:
    with DnsServer({"example.org": "SERVFAIL", "host1.example": "REFUSED"}) as failing:
        resolver = resolver_of(failing, name_server, timeout=2)
        started = time.monotonic()
        assert status(resolver, "example.org", "host1.example", "broken.example") == [
            Status.OK,
            Status.OK,
            Status.NXDOMAIN,
        ]
        assert time.monotonic() - started < 1.9


def test_the_first_server_is_asked_first(name_server: DnsServer, resolver_of: Resolvers) -> None:
    with DnsServer() as second:
        assert status(resolver_of(name_server, second), "example.org", "none.example") == [Status.OK, Status.NXDOMAIN]
        assert second.asked == []


# --- many at once


def test_too_many_in_flight_are_not_sent(
    name_server: DnsServer, resolver_of: Resolvers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DNS_IN_FLIGHT", 10)
    name_server.delay = 0.2
    names = [f"host{number}.example" for number in range(15)]
    found = status(resolver_of(name_server, timeout=2), *names)
    assert (found.count(Status.OK), found.count(Status.UNAVAILABLE)) == (10, 5)


def test_many_threads(name_server: DnsServer, resolver_of: Resolvers) -> None:
    resolver = resolver_of(name_server, timeout=3)
    wrong: list[object] = []

    def work(seed: int) -> None:
        for turn in range(30):
            numbers = [(seed * 7 + turn * 3 + step) % 100 for step in range(20)]
            answers = ask(resolver, *(f"host{number}.example" for number in numbers), "none.example")
            found = [answer.records for answer in answers]
            if found != [*((f"192.0.2.{number}",) for number in numbers), ()]:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(name_server.asked) == 101
