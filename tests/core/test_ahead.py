"""What filters are going to ask the DNS is on its way before they are asked, and each of it once."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tamis import engine as engine_module
from tamis import examination, limits, policy, policy_keys
from tamis.config import parse
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.counters import Count
from tamis.dns import Question
from tamis.engine import Engine
from tamis.filters import order
from tamis.mail import Mail, MailClass
from tamis.message import Message
from tamis.record import Record
from tamis.settings import PolicySection
from tamis.testing import hits, mail, queries
from tests.dns_server import DnsServer
from tests.redis_server import Server

pytestmark = pytest.mark.slow

ZONE = {"7.2.0.192.zen.example": ["127.0.0.2"], "sender.example MX": ["10 mx.sender.example"]}


class Listed(Filter):
    """A DNS list in small."""

    name = "maps-rbl"
    stage = Stage.CONNECTION
    tests = {"LISTED": "the peer is listed"}
    needs_peer = True

    class Options(FilterOptions, frozen=True):
        zone: str = "zen.example"

    def queries(self, mail: Mail, options: Options) -> Iterable[Question]:
        assert mail.peer is not None
        yield Question(".".join(reversed(str(mail.peer).split("."))) + "." + options.zone)
        if mail.sender_domain:
            yield Question(f"{mail.sender_domain}.{options.zone}")

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        for answer in ctx.dns.ask(list(self.queries(mail, ctx.options))):
            if answer.temporary:
                raise Abstain(f"the list does not answer: {answer.status}")
            if answer.records:
                yield Hit("LISTED", f"listed: {answer.records[0]}", decides=True)


class NoMx(Filter):
    """Asks what it did not declare."""

    name = "invalid-mx"
    stage = Stage.SENDER
    tests = {"NO_MX": "no MX"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        (answer,) = ctx.dns.ask([Question(mail.sender_domain, "MX")])
        if not answer.records:
            yield Hit("NO_MX", str(answer.status), decides=True)


class Failing(Listed):
    name = "surbl"
    stage = Stage.MESSAGE

    def queries(self, mail: Mail, options: Any) -> Iterable[Question]:
        yield Question("before.example")
        raise ValueError("told to fail")

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        yield from ()


class Asking(Failing):
    """Asks sixty questions, and waits for the answers."""

    def queries(self, mail: Mail, options: Any) -> Iterable[Question]:
        return [Question(f"name{number}.example") for number in range(60)]

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        ctx.dns.ask(list(self.queries(mail, ctx.options)))
        yield from ()


class Endless(Failing):
    def queries(self, mail: Mail, options: Any) -> Iterable[Question]:
        number = 0
        while True:
            number += 1
            yield Question(f"name{number}.example")


Make = Callable[..., Engine]


@pytest.fixture
def name_server() -> Iterator[DnsServer]:
    with DnsServer(ZONE) as server:
        yield server


@pytest.fixture
def engine_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name_server: DnsServer) -> Iterator[Make]:
    """Makes an engine with these filters in their rows, and no other that asks the DNS; they ask the server."""
    made: list[Engine] = []

    def make(*filters: Filter, config: str = "", redis_url: str = "") -> Engine:
        by_name = {one.name: one for one in filters}
        rows = tuple(
            dataclasses.replace(row, filter=type(by_name[row.name]))
            if row.name in by_name
            else dataclasses.replace(row, filter=None)
            if row.filter and row.filter.queries is not Filter.queries
            else row
            for row in order.ORDER
        )
        for module in (examination, engine_module):
            monkeypatch.setattr(module, "ORDER", rows)
        monkeypatch.setitem(vars(order), "BY_NAME", {row.name: row for row in rows})
        monkeypatch.setattr(order, "ORDER", rows)
        monkeypatch.setitem(vars(policy_keys), "ORDER", rows)
        sections = {row.name: row.settings_type() for row in rows}
        monkeypatch.setitem(vars(policy_keys), "_section", lambda row: sections.get(row, PolicySection))
        keys = vars(policy_keys)["_known_keys"]()
        for module in (policy, policy_keys):
            monkeypatch.setitem(vars(module), "KEYS", keys)
        options = {row.name: row.options_type() for row in rows}
        monkeypatch.setattr(policy, "_BUILT_IN", dataclasses.replace(vars(policy)["_BUILT_IN"], options=options))
        for name, one in by_name.items():
            monkeypatch.setitem(examination.FILTERS, name, one)
        text = f'[dns]\nservers = ["{name_server.address}"]\n[daemon]\nstate_directory = "{tmp_path}"\n{config}'
        made.append(Engine(parse(text, "x"), redis_url))
        return made[-1]

    yield make
    for engine in made:
        engine._resolver.close()


def message(peer: str = "192.0.2.7", sender: str = "ann@sender.example", recipients: Sequence[str] = ()) -> Mail:
    """A message without the address of an author, from a peer with a name: nothing is asked to authenticate it."""
    text = "From: nobody\n\nhello\n"
    return mail(text, peer=peer, rdns="peer.example", sender=sender, recipients=recipients or ["b@c.example"])


def said(record: Record, row: str) -> list[str]:
    (answer,) = (answer for answer in record.answers if answer.row.name == row)
    return [hit.name for hit in answer.hits] + ([answer.abstained] if answer.abstained else [])


def test_a_filter_reads_what_was_asked_ahead(engine_with: Make, name_server: DnsServer) -> None:
    record = engine_with(Listed(), NoMx()).examine(message())
    assert said(record, "maps-rbl") == ["LISTED"]
    assert said(record, "invalid-mx") == []
    # What was declared went out before anything was asked for.
    assert name_server.questions() == [
        "7.2.0.192.zen.example A",
        "sender.example.zen.example A",
        "sender.example MX",
    ]


def test_the_questions_of_all_rows_go_out_together(engine_with: Make, name_server: DnsServer) -> None:
    """Three lists, for three domains: one delay, not three."""
    name_server.delay = 0.5
    config = "".join(
        f'[domain."{name}.example".filters.maps-rbl]\nzone = "{name}.lists.example"\n' for name in ("one", "two")
    )
    recipients = ["a@one.example", "a@two.example", "a@three.example"]
    engine = engine_with(Listed(), config=config)
    started = time.monotonic()
    engine.examine(message(recipients=recipients))
    assert 0.5 <= time.monotonic() - started < 1
    assert len(name_server.asked) == 6


def test_prefetch_sends_what_is_known_at_each_stage(engine_with: Make, name_server: DnsServer) -> None:
    name_server.delay = 0.5
    engine = engine_with(Listed(), Failing())
    connected = Mail(Message(b""), message().peer, sender_known=False)
    started = time.monotonic()
    engine.prefetch(connected, Stage.CONNECTION)
    assert time.monotonic() - started < 0.4
    assert name_server.wait_for(1) == ["7.2.0.192.zen.example A"]
    engine.prefetch(Mail(Message(b""), message().peer, sender="ann@sender.example"), Stage.SENDER)
    assert name_server.wait_for(2) == ["7.2.0.192.zen.example A", "sender.example.zen.example A"]
    assert said(engine.examine(message()), "maps-rbl") == ["LISTED"]
    assert name_server.wait_for(3)[2:] == ["before.example A"]


def test_prefetch_asks_by_the_policies_of_the_recipients_once_they_are_known(
    engine_with: Make, name_server: DnsServer
) -> None:
    engine = engine_with(Listed(), config='[domain."off.example".filters.maps-rbl]\nenabled = false\n')
    engine.prefetch(message(recipients=["a@off.example"]), Stage.RECIPIENT)
    engine.prefetch(message(peer=""), Stage.RECIPIENT)
    assert name_server.asked == []


def test_a_row_that_is_off_asks_nothing(engine_with: Make, name_server: DnsServer) -> None:
    engine_with(Listed(), config="[policy.filters.maps-rbl]\nenabled = false\n").examine(message())
    assert name_server.asked == []


def test_outgoing_mail_asks_nothing(engine_with: Make, name_server: DnsServer) -> None:
    outgoing = message()
    outgoing.mail_class = MailClass.OUTGOING
    engine = engine_with(Listed())
    engine.prefetch(outgoing, Stage.RECIPIENT)
    engine.examine(outgoing)
    assert name_server.asked == []


def test_a_filter_that_fails_to_declare_costs_no_other(
    engine_with: Make, name_server: DnsServer, caplog: pytest.LogCaptureFixture
) -> None:
    record = engine_with(Listed(), Failing()).examine(message())
    assert said(record, "maps-rbl") == ["LISTED"]
    assert "before.example A" in name_server.wait_for(3)
    assert caplog.messages == ["a filter cannot say what it is going to ask"]


def test_a_filter_that_fails_to_say_what_it_counts_costs_no_other(
    engine_with: Make, caplog: pytest.LogCaptureFixture
) -> None:
    class Counting(Listed):
        def counts(self, mail: Mail, options: Any) -> Iterable[Count]:
            yield Count(b"x", ("a",), 60.0)
            raise ValueError("told to fail")

    assert said(engine_with(Counting()).examine(message()), "maps-rbl") == ["LISTED"]
    assert caplog.messages == ["a filter cannot say what it is going to count"]


def test_a_filter_that_declares_without_end_is_cut_off(engine_with: Make, name_server: DnsServer) -> None:
    record = engine_with(Listed(), Endless()).examine(message())
    assert said(record, "maps-rbl") == ["LISTED"]
    assert len(name_server.wait_for(limits.DNS_QUESTIONS)) == limits.DNS_QUESTIONS


def test_a_dns_that_is_away_is_an_abstention(engine_with: Make, name_server: DnsServer) -> None:
    engine = engine_with(Listed(), config="")
    name_server.stop()
    try:
        assert said(engine.examine(message()), "maps-rbl") == ["the list does not answer: unavailable"]
    finally:
        name_server.start()


@pytest.mark.servers
def test_answers_reach_redis_within_moments(engine_with: Make, name_server: DnsServer, server: Server) -> None:
    engine = engine_with(Listed(), redis_url=server.url)
    engine.examine(message())
    engine.refresh()
    asked = list(name_server.asked)
    record = engine_with(Listed(), redis_url=server.url).examine(message())
    assert said(record, "maps-rbl") == ["LISTED"]
    assert name_server.asked == asked
    assert len(list(server.client.scan_iter("tamis:dns:*"))) == 2


@pytest.mark.servers
def test_many_answers_reach_redis_with_their_message(engine_with: Make, server: Server) -> None:
    engine_with(Listed(), Asking(), redis_url=server.url).examine(message(peer="192.0.2.8"))
    assert len(list(server.client.scan_iter("tamis:dns:*"))) == 62


# --- the tests of filters


def test_the_test_of_a_filter_is_small() -> None:
    assert hits(Listed(), message(), dns=ZONE) == ["LISTED"]
    assert hits(Listed(), message(peer="192.0.2.8"), dns=ZONE) == []
    assert queries(Listed(), message()) == ["7.2.0.192.zen.example A", "sender.example.zen.example A"]
    assert hits(NoMx(), message(), dns=ZONE) == []
    assert hits(NoMx(), message(sender="a@other.example"), dns=ZONE) == ["NO_MX"]


@pytest.mark.parametrize("failure", ["SERVFAIL", "TIMEOUT", "REFUSED", "UNAVAILABLE"])
def test_failures_can_be_said(failure: str) -> None:
    with pytest.raises(Abstain, match=failure.lower()):
        hits(Listed(), message(), dns={"7.2.0.192.zen.example": failure})


def test_without_a_zone_there_is_no_dns() -> None:
    with pytest.raises(Abstain, match="unavailable"):
        hits(Listed(), message())
