"""DNS lists: what they are asked, what their answers mean, how they vote, and whether they behave."""

import ipaddress
import logging
from collections.abc import Iterator

import pytest

from tamis import dns_votes, limits
from tamis.config import ConfigError, parse
from tamis.dns import Answer, Question, Status
from tamis.dns.resolver import Resolver
from tamis.dns.zone import ZoneDns, ZoneText
from tamis.dns_list_tests import AGAIN_SECONDS, EVERY_SECONDS, DnsListTests, State
from tamis.dns_lists import DnsList, Said, parse_codes
from tamis.dns_votes import Tally, vote
from tamis.settings import enabled_lists
from tests.dns_server import DnsServer

PEER = ipaddress.ip_address("192.0.2.7")
PEER6 = ipaddress.ip_address("2001:db8::1")
IP_LIST = DnsList("one", "one.example", "ip")


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> None:
    dns_votes._refusing.clear()


# --- questions


def test_an_address_is_asked_reversed() -> None:
    assert str(IP_LIST.question(PEER)) == "7.2.0.192.one.example A"
    assert str(IP_LIST.question(PEER6)) == f"1.{'0.' * 23}8.b.d.0.1.0.0.2.one.example A"


def test_what_a_list_knows_nothing_of_is_not_asked() -> None:
    assert IP_LIST.question("sender.example") is None
    assert DnsList("x", "x.example", "ip", ipv6=False).question(PEER6) is None
    assert DnsList("x", "x.example", "domain").question(PEER) is None
    assert DnsList("x", "x.example", "url").question(PEER) is None
    assert str(DnsList("x", "x.example", "url", addresses=True).question(PEER)) == "7.2.0.192.x.example A"


# --- answers


@pytest.mark.parametrize(
    ("codes", "records", "said"),
    [
        ((), ["127.0.0.2"], Said.LISTED),
        ((), ["127.9.8.7"], Said.LISTED),
        ((), ["127.0.0.1"], Said.NOTHING),
        ((), ["127.255.255.254"], Said.REFUSED),
        ((), ["127.255.255.1"], Said.REFUSED),
        ((), ["127.0.0.2", "127.255.255.255"], Said.REFUSED),
        ((), ["192.0.2.1"], Said.NOTHING),
        ((), ["127.0.0.2", "192.0.2.1"], Said.NOTHING),
        (("127.0.0.2", "127.0.0.4-127.0.0.7"), ["127.0.0.2"], Said.LISTED),
        (("127.0.0.2", "127.0.0.4-127.0.0.7"), ["127.0.0.6"], Said.LISTED),
        (("127.0.0.2", "127.0.0.4-127.0.0.7"), ["127.0.0.3"], Said.NOT_LISTED),
        (("127.0.0.2", "127.0.0.4-127.0.0.7"), ["127.0.0.10", "127.0.0.4"], Said.LISTED),
        (("&8", "&64"), ["127.0.0.72"], Said.LISTED),
        (("&8", "&64"), ["127.0.0.20"], Said.NOT_LISTED),
        (("&8", "&64"), ["127.8.64.4"], Said.NOT_LISTED),
    ],
)
def test_what_an_answer_means(codes: tuple[str, ...], records: list[str], said: Said) -> None:
    one = DnsList("one", "one.example", "ip", parse_codes(codes))
    assert one.reads(Answer(Status.OK, tuple(records))) is said


def test_no_such_name_is_an_answer_and_a_failure_is_none() -> None:
    assert [IP_LIST.reads(Answer(status)) for status in (Status.NXDOMAIN, Status.NODATA)] == 2 * [Said.NOT_LISTED]
    for status in set(Status) - {Status.OK, Status.NXDOMAIN, Status.NODATA}:
        assert IP_LIST.reads(Answer(status)) is Said.NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.255.255.2",
        "192.0.2.1",
        "127.0.0.1-127.0.0.9",
        "127.0.0.9-127.0.0.2",
        "x",
        "&3",
        "&1",
        "&256",
        "&",
        "",
    ],
)
def test_codes_that_no_list_may_use(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_codes([text])


# --- votes


def voted(zone: ZoneText, count: int = 3) -> Tally:
    lists = [DnsList(f"list{number}", f"l{number}.example", "ip") for number in range(count)]
    (tally,) = vote(ZoneDns(zone), lists, [PEER])
    return tally


def entry(number: int) -> str:
    return f"7.2.0.192.l{number}.example"


@pytest.mark.parametrize(
    ("zone", "decides"),
    [
        ({entry(0): ["127.0.0.2"], entry(1): ["127.0.0.2"]}, True),
        ({entry(0): ["127.0.0.2"]}, False),
        ({entry(0): ["127.0.0.2"], entry(1): "SERVFAIL"}, True),
        ({entry(0): ["127.0.0.2"], entry(1): "SERVFAIL", entry(2): "TIMEOUT"}, False),
        ({entry(0): ["127.0.0.2"], entry(1): ["127.255.255.254"], entry(2): ["127.0.0.1"]}, False),
        ({}, False),
    ],
)
def test_half_of_those_that_answered_decide_and_two_must(zone: ZoneText, decides: bool) -> None:
    assert voted(zone).decides(0.5, 2) is decides


def test_the_tally_names_the_lists() -> None:
    tally = voted({entry(0): ["127.0.0.2"], entry(2): ["127.0.0.2"]})
    assert str(tally) == "192.0.2.7 is on 2 of 3 lists that answered (67%): list0, list2"


def test_a_refusal_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        voted({entry(0): ["127.255.255.254"]})
    (record,) = caplog.records
    assert record.getMessage().startswith("a DNS list refuses to answer")
    assert record.fields == {"list": "list0", "zone": "l0.example"}  # type: ignore[attr-defined]


# --- the test of the lists


class Watched:
    """A list under test, a name server, and a clock that is turned by hand."""

    def __init__(self, server: DnsServer, *lists: DnsList) -> None:
        self.server = server
        self.now = 0.0
        self.resolver = Resolver([server.address], timeout=0.3, attempts=1)
        self.tests = DnsListTests(lists, self.resolver, lambda: self.now)

    def names(self, zone: ZoneText, later: float = 0.0) -> list[str]:
        """Return the lists that have a vote, with that zone, so many seconds later."""
        self.now += later
        self.server.zone = type(self.server.zone)(zone, ttl=0)
        self.tests.wait()
        return [one.name for one in self.tests.good()]


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer({}, ttl=0) as server:
        yield server


GOOD: ZoneText = {"2.0.0.127.one.example": ["127.0.0.2"]}


@pytest.mark.parametrize(
    ("zone", "state"),
    [
        ({}, State.LISTS_NONE),
        ({**GOOD, "1.0.0.127.one.example": ["127.0.0.2"]}, State.LISTS_ALL),
        ({"2.0.0.127.one.example": ["192.0.2.80"], "1.0.0.127.one.example": ["192.0.2.80"]}, State.LISTS_ALL),
        ({"2.0.0.127.one.example": ["192.0.2.80"]}, State.NONSENSE),
    ],
)
def test_a_liar_has_no_vote_is_named_and_comes_back(
    server: DnsServer, caplog: pytest.LogCaptureFixture, zone: ZoneText, state: State
) -> None:
    tested = Watched(server, IP_LIST)
    assert tested.names(GOOD) == ["one"]
    assert tested.names(zone, later=EVERY_SECONDS - 1) == ["one"]
    assert tested.names(zone, later=1) == []
    assert tested.names(zone, later=EVERY_SECONDS) == []
    assert tested.names(GOOD, later=EVERY_SECONDS) == ["one"]
    said = [(record.levelno, record.fields) for record in caplog.records]  # type: ignore[attr-defined]
    assert said == [
        (logging.ERROR, {"list": "one", "zone": "one.example", "why": str(state)}),
        (logging.WARNING, {"list": "one", "zone": "one.example", "why": str(State.GOOD)}),
    ]


def test_one_that_was_never_heard_has_no_vote_and_is_soon_tested_again(
    server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DNS_ERROR_SECONDS", 0.0)
    tested = Watched(server, IP_LIST)
    assert tested.names({**GOOD, "2.0.0.127.one.example": "SERVFAIL"}) == []
    assert tested.names(GOOD, later=AGAIN_SECONDS) == ["one"]


def test_one_that_is_not_heard_for_a_while_keeps_its_vote(server: DnsServer) -> None:
    tested = Watched(server, IP_LIST)
    assert tested.names(GOOD) == ["one"]
    assert tested.names({"2.0.0.127.one.example": "SERVFAIL"}, later=EVERY_SECONDS) == ["one"]


def test_one_that_refuses_has_no_vote(server: DnsServer, caplog: pytest.LogCaptureFixture) -> None:
    tested = Watched(server, IP_LIST)
    refusal: ZoneText = {"2.0.0.127.one.example": ["127.255.255.254"], "1.0.0.127.one.example": ["127.255.255.254"]}
    assert tested.names(refusal) == []
    assert tested.names(refusal, later=EVERY_SECONDS) == []
    assert len(caplog.records) == 1
    assert tested.names(GOOD, later=EVERY_SECONDS) == ["one"]


def test_lists_of_names_have_test_names(server: DnsServer) -> None:
    standard = DnsList("standard", "s.example", "domain")
    own = DnsList(
        "own", "o.example", "url", parse_codes(["&8"]), test_listed="testpoint.example", test_clean="fine.example"
    )
    tested = Watched(server, standard, own)
    zone = {"test.s.example": ["127.0.1.2"], "testpoint.example.o.example": ["127.0.0.4"]}
    assert tested.names(zone) == ["standard", "own"]
    assert {str(question) for one in (standard, own) for question in one.tests()} == {
        "test.s.example A",
        "invalid.s.example A",
        "testpoint.example.o.example A",
        "fine.example.o.example A",
    }


def test_an_address_may_be_the_test_of_a_list_of_urls() -> None:
    one = DnsList("one", "one.example", "url", test_listed="127.0.0.2")
    assert one.tests()[0] == Question("2.0.0.127.one.example")


# --- the configuration


def test_lists_are_configured_once_for_all_rows() -> None:
    config = parse(
        '[dnslists.one]\nzone = "one.example"\nkind = "ip"\ncodes = ["127.0.0.2"]\nipv6 = false\n'
        '[dnslists.two]\nzone = "two.example"\nkind = "url"\nenabled = false\n',
        "x",
    )
    (one,) = enabled_lists(config.settings.dnslists)
    assert one == DnsList("one", "one.example", "ip", parse_codes(["127.0.0.2"]), ipv6=False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('kind = "ip"', "zone"),
        ('zone = "one.example"', "kind"),
        ('zone = "one.example"\nkind = "mail"', "'mail' is not one of"),
        ('zone = "One.example"\nkind = "ip"', "write 'one.example'"),
        (
            'zone = "one.example"\nkind = "ip"\ncodes = ["127.0.0.1"]',
            "dnslists.one.codes: '127.0.0.1' is not within",
        ),
        ('zone = "one.example"\nkind = "ip"\ntest_listed = "a..b"', "neither an address nor a domain"),
    ],
)
def test_mistakes_are_named(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse(f"[dnslists.one]\n{text}\n", "x")
