"""The check itself: what is asked and what is not, the limits, macros, and pyspf's habits that were changed."""

import time
from collections.abc import Sequence

import pytest

from tamis import limits
from tamis.dns import Answer, Question, Status
from tamis.dns.lookups import Lookups
from tamis.dns.resolver import Resolver
from tamis.dns.zone import ZoneDns, ZoneText
from tamis.mail import parse_ip
from tamis.spf import Identity, Spf, SpfResult, check_spf, sanitise
from tests.dns_server import DnsServer


class Watched:
    """A zone that keeps what it was asked, batch by batch."""

    def __init__(self, zone: ZoneText) -> None:
        self._dns = ZoneDns(zone)
        self.batches: list[list[str]] = []

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        self.batches.append([str(question) for question in questions])
        return self._dns.ask(questions)

    @property
    def asked(self) -> list[str]:
        return [question for batch in self.batches for question in batch]


def check(
    record: str,
    peer: str = "192.0.2.7",
    sender: str = "ann@example.org",
    helo: str = "mx.example.org",
    **zone: Sequence[str],
) -> tuple[Spf, list[str]]:
    """Return the result of a check of example.org with that record, and what was asked; `zone` is the rest of it."""
    watched = Watched({"example.org TXT": [record], **zone})
    ip = parse_ip(peer)
    assert ip is not None
    return check_spf(watched, ip, sender, "mx.example.org"), watched.asked


def test_an_explanation_is_fetched_only_for_a_fail() -> None:
    zone = {"why.example.org TXT": ["see %{i}"]}
    for record in ("v=spf1 +all exp=why.example.org", "v=spf1 ~all exp=why.example.org"):
        assert check(record, **zone)[1] == ["example.org TXT"]
    spf, asked = check("v=spf1 -all exp=why.example.org", **zone)
    assert (spf.explanation, asked) == ("see 192.0.2.7", ["example.org TXT", "why.example.org TXT"])


@pytest.mark.parametrize("text", [["one", "two"], ["%{x}"], ["\u00e9"], ["a" * 600]])
def test_an_explanation_that_cannot_be_read_is_none(text: list[str]) -> None:
    spf, _ = check("v=spf1 -all exp=why.example.org", **{"why.example.org TXT": text})
    assert (spf.result, spf.explanation) == (SpfResult.FAIL, "")


def test_an_explanation_that_does_not_come_changes_nothing() -> None:
    for status in ("SERVFAIL", "TIMEOUT"):
        spf, _ = check("v=spf1 -all exp=why.example.org", **{"why.example.org TXT": status})
        assert (spf.result, spf.explanation) == (SpfResult.FAIL, "")


def test_explanations_are_made_safe() -> None:
    assert sanitise("a\r\nX-Spam: no\x1b[31m\u202eb ") == "a X-Spam: no [31m b"
    assert len(sanitise("x" * 1000)) == limits.SPF_EXPLANATION_CHARS
    spf, _ = check("v=spf1 -all exp=why.example.org", **{"why.example.org TXT": ["see a.example, " * 30]})
    assert spf.explanation == ("see a.example, " * 30)[: limits.SPF_EXPLANATION_CHARS]


def test_ten_lookups_and_no_more() -> None:
    hosts = {f"h{number}.example.org": ["198.51.100.1"] for number in range(11)}
    ten = " ".join(f"a:h{number}.example.org" for number in range(10))
    assert check(f"v=spf1 {ten} -all", **hosts)[0].result is SpfResult.FAIL
    spf, asked = check(f"v=spf1 {ten} a:h10.example.org +all", **hosts)
    assert (spf.result, spf.problem) == (SpfResult.PERMERROR, "Too many DNS lookups")
    assert len(asked) == 11


def test_two_void_lookups_and_no_more() -> None:
    assert check("v=spf1 a:no1.example.org a:no2.example.org -all")[0].result is SpfResult.FAIL
    spf, _ = check("v=spf1 a:no1.example.org a:no2.example.org a:no3.example.org +all")
    assert (spf.result, spf.problem) == (SpfResult.PERMERROR, "Void lookup limit of 2 exceeded")


def test_mail_servers_are_asked_at_once_and_count_as_one_void_lookup() -> None:
    hosts = {f"mx{number}.example.org": ["192.0.2.9"] for number in range(5)}
    servers = [f"{number} {name}." for number, name in enumerate(hosts)]
    watched = Watched({"example.org TXT": ["v=spf1 mx -all"], "example.org MX": servers} | hosts)
    for peer, result in (("192.0.2.9", SpfResult.PASS), ("2001:db8::1", SpfResult.FAIL)):
        ip = parse_ip(peer)
        assert ip is not None
        watched.batches.clear()
        assert check_spf(watched, ip, "ann@example.org", "").result is result
        assert [len(batch) for batch in watched.batches] == [1, 1, 5]


def test_a_circle_ends() -> None:
    back = ["v=spf1 include:example.org -all"]
    spf, asked = check("v=spf1 include:b.example.org -all", **{"b.example.org TXT": back})
    assert spf.result is SpfResult.PERMERROR
    assert len(asked) <= 12


@pytest.mark.parametrize(
    ("record", "sender", "asked"),
    [
        ("v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all", "ann@example.org", "7.2.0.192.in-addr._spf.example.org A"),
        ("v=spf1 exists:%{l}.%{o}.%{h} -all", "an.n@example.org", "an.n.example.org.mx.example.org A"),
        ("v=spf1 exists:%{l1r-}.x.example -all", "a-b-c@example.org", "a.x.example A"),
        ("v=spf1 exists:%{l}.x.example -all", '"a@b"@example.org', '"a@b".x.example A'),
        ("v=spf1 exists:%{S}.x.example -all", "a+b@example.org", "a%2bb%40example.org.x.example A"),
    ],
)
def test_macros(record: str, sender: str, asked: str) -> None:
    assert check(record, sender=sender)[1] == ["example.org TXT", asked]


def test_macros_of_an_ipv6_peer() -> None:
    nibbles = ".".join("20010db8" + "0" * 23 + "1")
    assert check("v=spf1 exists:%{i}.%{v}.x.example -all", peer="2001:db8::1")[1][1] == f"{nibbles}.ip6.x.example A"


def test_a_name_that_is_too_long_loses_labels_on_the_left() -> None:
    local = ".".join(f"label{number:02d}" for number in range(40))
    name = check("v=spf1 exists:%{l}.%{l}.x.example -all", sender=f"{local}@example.org")[1][1].removesuffix(" A")
    assert 253 - 8 < len(name) <= 253
    assert f"{local}.{local}.x.example".endswith(f".{name}")


def test_a_local_part_that_is_not_ascii_matches_nothing() -> None:
    zone = {"*.x.example": ["127.0.0.2"]}
    assert check("v=spf1 exists:%{l}.x.example -all", sender="ü@example.org", **zone)[0].result is SpfResult.FAIL


def test_names_of_modifiers_are_read_in_any_case() -> None:
    spf, _ = check("v=spf1 Redirect=other.example", **{"other.example TXT": ["v=spf1 +all"]})
    assert spf.result is SpfResult.PASS


def test_a_domain_that_is_not_ascii_is_asked_by_its_a_label() -> None:
    dns = Watched({"xn--bcher-kva.example TXT": ["v=spf1 exists:%{d}.x.example -all"]})
    ip = parse_ip("192.0.2.7")
    assert ip is not None
    spf = check_spf(dns, ip, "ann@Bücher.example", "")
    assert (spf.result, spf.domain) == (SpfResult.FAIL, "xn--bcher-kva.example")
    assert dns.asked == ["xn--bcher-kva.example TXT", "xn--bcher-kva.example.x.example A"]


def test_an_ipv4_peer_that_is_mapped_into_ipv6() -> None:
    assert check("v=spf1 ip4:192.0.2.7 -all", peer="::ffff:192.0.2.7")[0].result is SpfResult.PASS


def test_the_null_sender_is_postmaster_at_the_helo_name() -> None:
    dns = Watched({"Mx.example.org TXT": ["v=spf1 exists:%{l}.x.example -all"]})
    ip = parse_ip("192.0.2.7")
    assert ip is not None
    spf = check_spf(dns, ip, "", "Mx.Example.org.")
    assert (spf.result, spf.identity, spf.domain) == (SpfResult.FAIL, Identity.HELO, "mx.example.org")
    assert dns.asked == ["mx.example.org TXT", "postmaster.x.example A"]


@pytest.mark.parametrize("record", ["v=spf1 ptr -all", "v=spf1 exists:%{p}.x.example -all"])
@pytest.mark.parametrize("failing", ["7.2.0.192.in-addr.arpa PTR", "host.example.org A"])
def test_no_failure_of_the_reverse_dns_makes_a_fail(record: str, failing: str) -> None:
    zone = {"7.2.0.192.in-addr.arpa PTR": ["host.example.org."], "host.example.org A": ["192.0.2.7"]}
    assert check(record, **{**zone, failing: "SERVFAIL"})[0].result is SpfResult.TEMPERROR
    assert check(record, **{**zone, failing: []})[0].result is SpfResult.FAIL
    assert check("v=spf1 ptr -all", **zone)[0].result is SpfResult.PASS


def test_records_and_terms_have_a_longest_length() -> None:
    fits = "v=spf1 " + "ip4:198.51.100.1 " * 230 + "-all"
    assert check(fits)[0].result is SpfResult.FAIL
    for record in ("v=spf1 " + "ip4:198.51.100.1 " * 250 + "+all", "v=spf1 a:" + "a." * 300 + "example +all"):
        assert check(record)[0].result is SpfResult.PERMERROR


@pytest.mark.slow
def test_a_slow_zone_costs_the_budget_of_the_message_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DNS_SECONDS", 0.5)
    chain = {f"s{number}.example TXT": [f"v=spf1 include:s{number + 1}.example -all"] for number in range(9)}
    with DnsServer(chain, delay=0.2) as server:
        resolver = Resolver([server.address], timeout=1.0)
        started = time.monotonic()
        ip = parse_ip("192.0.2.7")
        assert ip is not None
        spf = check_spf(Lookups(resolver), ip, "ann@s0.example", "")
        resolver.close()
    assert (spf.result, spf.problem) == (SpfResult.TEMPERROR, f"DNS: {Status.TIMEOUT}")
    assert time.monotonic() - started < 1.0
