"""What an answer leads to is asked ahead where the DNS is slow, and a message waits for one chain."""

import ipaddress
from collections.abc import Iterable
from math import inf
from typing import Any

import pytest

from tamis import limits
from tamis.dns import Answer, Question, Status
from tamis.dns.flight import Flight
from tamis.dns.following import following
from tamis.dns.lookups import Lookups
from tamis.dns.zone import ZoneDns
from tamis.spf_query import SpfQuery

PEER = ipaddress.ip_address("192.0.2.7")
ZONE: dict[str, Any] = {
    "a.example TXT": ["v=spf1 mx include:b.example include:c.example -all"],
    "a.example MX": ["10 mx1.a.example", "20 mx2.a.example"],
    "b.example TXT": ["v=spf1 include:d.example a:host.b.example/24 -all"],
    "c.example TXT": ["v=spf1 ip4:192.0.2.7 -all"],
    "d.example TXT": ["v=spf1 a mx/24 ?all"],
    "d.example A": ["203.0.113.1"],
    "d.example MX": ["10 mx1.a.example"],
    "host.b.example A": ["203.0.113.2"],
    "mx1.a.example A": ["203.0.113.3"],
    "mx2.a.example A": ["203.0.113.4"],
}


def leads_to(name: str, kind: Any, *records: Any) -> list[str]:
    return [str(one) for one in following(Question(name, kind), Answer(Status.OK, records))]


def test_mail_hosts() -> None:
    found = leads_to("a.example", "MX", (20, "b.example"), (10, "a.example"))
    assert found == ["a.example A", "a.example AAAA", "b.example A", "b.example AAAA"]


def test_names_of_peers() -> None:
    assert leads_to("7.2.0.192.in-addr.arpa", "PTR", "a.example") == ["a.example A"]
    assert leads_to("1.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", "a.example") == ["a.example AAAA"]


def test_spf() -> None:
    record = b"v=spf1 A ~mx/24 a:b.example/24 mx:c.example include:d.example ?ip4:192.0.2.1 exists:%{i}.e.example"
    found = leads_to("a.example", "TXT", record + b" include:%{d}.f.example redirect=g.example all")
    assert found == [
        "a.example A", "a.example MX", "b.example A", "c.example MX", "d.example TXT", "g.example TXT"
    ]  # fmt: skip
    assert len(leads_to("a.example", "TXT", b"v=spf1 " + b"a:b.example " * 50)) == 10


@pytest.mark.parametrize("record", [b"v=spf10 mx", b"v=DMARC1; p=none", b"", b"v=spf1 " + b"mx " * 5000])
def test_other_texts_lead_nowhere(record: bytes) -> None:
    assert leads_to("a.example", "TXT", record) == []


def test_no_answer_leads_nowhere() -> None:
    assert not list(following(Question("a.example", "MX"), Answer(Status.TIMEOUT)))


class Rounds:
    """A resolver that answers all that is on its way whenever somebody waits."""

    def __init__(self) -> None:
        self.zone = ZoneDns(ZONE)
        self.flights: list[Flight] = []
        self.rounds = 0

    def ask(self, questions: Iterable[Question], trip: object = None) -> list[Flight]:
        made = [Flight(question) for question in questions]
        self.flights += made
        return made

    def wait(self, _: object, deadline: float = inf) -> None:
        assert deadline > 0
        self.rounds += 1
        for flight in self.flights:
            flight.answer = flight.answer or self.zone.ask([flight.question])[0]


def rounds(monkeypatch: pytest.MonkeyPatch, slow: float) -> int:
    monkeypatch.setattr("tamis.dns.lookups._SLOW_SECONDS", slow)
    resolver = Rounds()
    query = SpfQuery(Lookups(resolver), PEER, "ann", "a.example", "mx.a.example")  # type: ignore[arg-type]
    assert query.check()[0] == "pass"
    return resolver.rounds


def test_a_check_waits_as_often_as_its_deepest_chain_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    # The record; what it includes; what that includes; the address and the mail hosts of the last.
    assert rounds(monkeypatch, slow=-1.0) == 4
    assert rounds(monkeypatch, slow=inf) == 9


def test_what_came_fast_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.dns.lookups._SLOW_SECONDS", inf)
    resolver = Rounds()
    Lookups(resolver).ask([Question("a.example", "MX")])  # type: ignore[arg-type]
    assert len(resolver.flights) == 1


def test_strangers_cannot_lead_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.dns.lookups._SLOW_SECONDS", -1.0)
    resolver, answers = Rounds(), {}
    for level in range(30):
        answers[f"{level}.example TXT"] = ["v=spf1 " + " ".join(f"a:h{n}.{level}.example" for n in range(10))]
    resolver.zone = ZoneDns(answers)
    lookups = Lookups(resolver)  # type: ignore[arg-type]
    for level in range(30):
        lookups.ask([Question(f"{level}.example", "TXT")])
    assert len(resolver.flights) == 30 + limits.DNS_GUESSES
