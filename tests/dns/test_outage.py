"""Servers that do not answer, and that answer again: one bounded wait, then none."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tamis.dns import Question, Status
from tamis.dns.circuit import Circuit
from tamis.dns.resolver import Resolver
from tamis.dns.servers import Address
from tests import dns_server
from tests.dns.conftest import ZONE, Resolvers
from tests.dns_server import DnsServer

pytestmark = pytest.mark.slow

TIMEOUT = 0.5
ATTEMPTS = 5
ONE_WAIT = 1.5
"""Well above one time-out, and well below five."""
AT_ONCE = 0.4


@contextmanager
def closed_port() -> Iterator[Address]:
    """A port on which nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        address = Address(*unused.getsockname())
    yield address


def look_up(resolver: Resolver, *names: str) -> tuple[list[Status], float]:
    """Return what is said of each name, and how long it took."""
    started = time.monotonic()
    flights = resolver.ask(map(Question, names))
    resolver.wait(flights, started + 10)
    found = [flight.answer.status if flight.answer else Status.TIMEOUT for flight in flights]
    return found, time.monotonic() - started


def names(number: int) -> list[str]:
    """Twenty names that no other number gives."""
    return [f"name{number}-{place}.example" for place in range(20)]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert true()


def answers(resolver: Resolver, name: str) -> Callable[[], bool]:
    return lambda: look_up(resolver, name)[0] == [Status.OK]


def test_a_silent_server_costs_one_wait_and_then_none(
    name_server: DnsServer, resolver_of: Resolvers, caplog: pytest.LogCaptureFixture
) -> None:
    name_server.silent = True
    resolver = resolver_of(name_server, timeout=TIMEOUT, attempts=ATTEMPTS)
    found, seconds = look_up(resolver, *names(1))
    assert set(found) == {Status.TIMEOUT}
    assert 0.9 * TIMEOUT < seconds < ONE_WAIT
    for number in range(2, 20):
        found, seconds = look_up(resolver, *names(number))
        assert set(found) == {Status.UNAVAILABLE}
        assert seconds < AT_ONCE
    assert [record.message for record in caplog.records] == ["a DNS server is left alone until it answers"]
    assert len(name_server.asked) == 20


def test_a_server_that_lies_is_like_one_that_is_silent(name_server: DnsServer, resolver_of: Resolvers) -> None:
    name_server.fault_for_all = dns_server.wrong_id
    resolver = resolver_of(name_server, timeout=TIMEOUT, attempts=ATTEMPTS)
    found, seconds = look_up(resolver, *names(1))
    assert set(found) == {Status.TIMEOUT}
    assert seconds < ONE_WAIT
    assert look_up(resolver, *names(2))[1] < AT_ONCE


def test_a_closed_port_costs_nothing(resolver_of: Resolvers) -> None:
    with closed_port() as nobody:
        resolver = resolver_of(nobody, timeout=2)
        for number in range(3):
            found, seconds = look_up(resolver, *names(number))
            assert set(found) == {Status.UNAVAILABLE}
            assert seconds < AT_ONCE


def test_no_way_to_a_server_costs_nothing(name_server: DnsServer, resolver_of: Resolvers) -> None:
    resolver = resolver_of(Address("fe80::1", 53), name_server, timeout=2)
    found, seconds = look_up(resolver, "host1.example")
    assert found == [Status.OK]
    assert seconds < 1


def test_a_server_that_comes_back_is_asked_again_without_anybody_waiting_for_it(
    name_server: DnsServer, resolver_of: Resolvers, caplog: pytest.LogCaptureFixture
) -> None:
    name_server.silent = True
    resolver = resolver_of(name_server, timeout=TIMEOUT, attempts=ATTEMPTS)
    look_up(resolver, *names(1))
    asked = len(name_server.asked)
    with caplog.at_level(logging.INFO, "tamis"):
        name_server.silent = False
        wait_until(answers(resolver, "host1.example"))
    assert len(name_server.asked) == asked + 1
    assert caplog.messages[-1] == "a DNS server answers again"


def test_a_server_that_is_started_again_is_found(resolver_of: Resolvers) -> None:
    server = DnsServer(ZONE)
    server.start()
    resolver = resolver_of(server, timeout=TIMEOUT, attempts=ATTEMPTS)
    assert look_up(resolver, "host1.example")[0] == [Status.OK]
    server.stop()
    assert look_up(resolver, "host2.example")[0] == [Status.UNAVAILABLE]
    server.start()
    wait_until(answers(resolver, "host3.example"))
    server.stop()


def test_the_other_server_takes_over(name_server: DnsServer, resolver_of: Resolvers) -> None:
    with DnsServer(ZONE) as silent, closed_port() as nobody:
        silent.silent = True
        resolver = resolver_of(nobody, silent, name_server, timeout=TIMEOUT, attempts=ATTEMPTS)
        found, seconds = look_up(resolver, *(f"host{number}.example" for number in range(20)))
        assert set(found) == {Status.OK}
        assert seconds < ONE_WAIT
        found, seconds = look_up(resolver, *(f"host{number}.example" for number in range(20, 40)))
        assert set(found) == {Status.OK}
        assert seconds < AT_ONCE


def test_a_domain_whose_servers_are_dead_takes_no_server_away(name_server: DnsServer, resolver_of: Resolvers) -> None:
    """A stranger chooses the domain. The server is probed, answers that, and goes on being asked."""
    resolver = resolver_of(name_server, timeout=0.8, attempts=1)
    for number in range(3):
        silent = [f"silent{number}-{place}.example" for place in range(20)]
        for name in silent:
            name_server.faults[name] = dns_server.drop
        assert set(look_up(resolver, *silent)[0]) == {Status.TIMEOUT}
    assert name_server.probes >= 3
    assert look_up(resolver, "host1.example")[0] == [Status.OK]


def test_a_server_that_answers_is_never_probed(name_server: DnsServer, resolver_of: Resolvers) -> None:
    resolver = resolver_of(name_server, timeout=1)
    for number in range(15):
        look_up(resolver, f"host{number}.example")
        time.sleep(0.05)
    assert name_server.probes == 0


# --- the circuit alone


def test_the_circuit_opens_only_when_a_probe_is_not_answered_either() -> None:
    circuit = Circuit(1.0)
    circuit.sent(100.0)
    assert circuit.due == 100.5
    assert not circuit.probe_due(100.4)
    assert circuit.probe_due(100.5)
    assert not circuit.probe_due(100.6)
    assert circuit.overdue(100.0, 101.0)
    assert circuit.out
    assert not circuit.overdue(100.0, 101.0)


def test_a_probe_that_is_answered_keeps_it_closed() -> None:
    circuit = Circuit(1.0)
    circuit.sent(100.0)
    assert circuit.probe_due(100.5)
    assert not circuit.heard(100.6)
    assert not circuit.overdue(100.0, 101.0)
    assert not circuit.out


def test_a_question_that_was_never_watched_is_probed_when_it_is_overdue() -> None:
    circuit = Circuit(1.0)
    circuit.sent(100.0)
    circuit.heard(100.1)
    circuit.sent(100.2)  # Nothing is heard of this one.
    assert not circuit.probe_due(100.5)
    assert not circuit.overdue(100.2, 101.2)
    assert circuit.probe_due(101.2)
    assert not circuit.overdue(100.9, 101.3)
    assert circuit.overdue(101.2, 102.2)


def test_it_is_probed_at_growing_intervals_until_it_answers() -> None:
    circuit = Circuit(1.0)
    assert circuit.refused(100.0)
    assert not circuit.refused(100.1)
    now = 100.0
    for pause in (1, 1, 2, 4, 8, 16, 30, 30):
        now += pause
        assert not circuit.probe_due(now - 0.01)
        assert circuit.due == now
        assert circuit.probe_due(now)
    assert circuit.heard(now + 1)
    assert not circuit.out
    assert circuit.due == float("inf")
    circuit.refused(now + 2)
    assert circuit.due == now + 3
