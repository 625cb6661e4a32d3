"""What one message may ask: so many questions, so much waiting."""

import time
from math import inf

import pytest

from tamis import limits
from tamis.dns import Question, Status
from tamis.dns.lookups import Lookups, NoDns
from tests import dns_server
from tests.dns.conftest import Resolvers
from tests.dns_server import DnsServer


def statuses(lookups: Lookups, *names: str) -> list[Status]:
    return [answer.status for answer in lookups.ask([Question(name) for name in names])]


def test_what_was_asked_ahead_is_there(name_server: DnsServer, resolver_of: Resolvers) -> None:
    name_server.delay = 0.2
    resolver = resolver_of(name_server, timeout=2)
    lookups = Lookups(resolver)
    lookups.send(Question(f"host{number}.example") for number in range(20))
    resolver.wait(resolver.ask([Question(f"host{number}.example") for number in range(20)]))
    name_server.silent = True
    assert statuses(lookups, "host1.example", "host2.example", "host1.example") == [Status.OK] * 3
    assert len(name_server.asked) == 20


@pytest.mark.slow
def test_waiting_ends_with_the_budget_however_often_it_asks(
    name_server: DnsServer, resolver_of: Resolvers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DNS_SECONDS", 0.3)
    for number in range(10):
        name_server.faults[f"silent{number}.example"] = dns_server.drop
    lookups = Lookups(resolver_of(name_server, timeout=5))
    started = time.monotonic()
    assert statuses(lookups, "silent0.example", "host1.example") == [Status.TIMEOUT, Status.OK]
    for number in range(1, 10):
        assert statuses(lookups, f"silent{number}.example") == [Status.TIMEOUT]
    assert 0.25 < time.monotonic() - started < 1.5
    # What needs no waiting is still answered.
    assert statuses(lookups, "host1.example") == [Status.OK]


def test_waiting_ends_with_the_message(name_server: DnsServer, resolver_of: Resolvers) -> None:
    name_server.silent = True
    started = time.monotonic()
    lookups = Lookups(resolver_of(name_server, timeout=5), started + 0.2)
    assert statuses(lookups, "host1.example") == [Status.TIMEOUT]
    assert statuses(lookups, "host2.example") == [Status.TIMEOUT]
    assert time.monotonic() - started < 2


def test_a_message_asks_so_much_and_no_more(name_server: DnsServer, resolver_of: Resolvers) -> None:
    lookups = Lookups(resolver_of(name_server, timeout=3))
    names = [f"name{number}.example" for number in range(limits.DNS_QUESTIONS + 10)]
    found = statuses(lookups, *names)
    assert found == [Status.NXDOMAIN] * limits.DNS_QUESTIONS + [Status.OVER_BUDGET] * 10
    assert statuses(lookups, *names) == found
    assert len(name_server.asked) == limits.DNS_QUESTIONS


def test_what_cannot_be_asked_counts_for_nothing(name_server: DnsServer, resolver_of: Resolvers) -> None:
    lookups = Lookups(resolver_of(name_server))
    assert statuses(lookups, *["a..b"] * 500, "host1.example") == [Status.INVALID] * 500 + [Status.OK]
    assert lookups.ask([]) == []


def test_without_a_dns_nothing_is_known() -> None:
    valid, invalid = NoDns().ask([Question("example.org"), Question("a..b")])
    assert (valid.status, valid.temporary) == (Status.UNAVAILABLE, True)
    assert (invalid.status, invalid.temporary, invalid.known) == (Status.INVALID, False, False)


def test_waiting_for_ever_is_possible(name_server: DnsServer, resolver_of: Resolvers) -> None:
    resolver = resolver_of(name_server)
    (flight,) = resolver.ask([Question("host1.example")])
    resolver.wait([flight], inf)
    assert flight.answer
