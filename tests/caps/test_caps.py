"""Caps of tamis/limits.py that have no other test: one more than the cap is not looked at, or not kept.

docs/security.md has all caps, each with the test that holds it.
"""

import pytest

from tamis import css, limits
from tamis.addresses import parse_mailboxes
from tamis.delivery_failures import read_failure
from tamis.dns import Answer, Status
from tamis.dns.memory import Memory
from tamis.headers import quoted, sanitise
from tamis.html_page import read_page
from tamis.links import links_of
from tamis.mail import parse_ip
from tamis.message import Message
from tamis.networks import identify
from tamis.reverse_names import names_in
from tamis.rules import patterns, reading
from tamis.rules.finder import Finder, compiled
from tamis.settings import Networks


def test_header_block() -> None:
    field = b"X-A: " + b"a" * 990 + b"\n"
    many = Message(field * (limits.HEADER_BLOCK_BYTES // len(field) + 10) + b"\nbody\n")
    assert len(many.headers) <= limits.HEADER_BLOCK_BYTES // len(field) + 1
    assert many.capped


def test_author_fields() -> None:
    message = Message(b"".join(b"From: a%d@sender.example\n" % number for number in range(limits.AUTHOR_FIELDS + 1)))
    assert len(message.authors) == limits.AUTHOR_FIELDS


def test_address_field_chars() -> None:
    value = b" " * limits.ADDRESS_FIELD_CHARS
    assert [one.address for one in parse_mailboxes(value[:-20] + b"ann@sender.example")] == ["ann@sender.example"]
    assert parse_mailboxes(value + b"ann@sender.example") == []


def test_received_fields() -> None:
    networks = Networks(trusted_relays=("192.0.2.0/24",))
    relayed = b"Received: from a.example (a.example [192.0.2.1]) by b.example; Mon, 1 Jan 2024 10:00:00 +0100\n"
    stranger = relayed.replace(b"192.0.2.1", b"203.0.113.9")
    for number, found in ((limits.RECEIVED_FIELDS - 1, "203.0.113.9"), (limits.RECEIVED_FIELDS, None)):
        message = Message(relayed * number + stranger + b"\n")
        identity = identify(networks, parse_ip("192.0.2.1"), "", "", False, False, message)
        assert (str(identity.peer) if str(identity.peer) == "203.0.113.9" else None) == found


def test_written_values() -> None:
    assert len(sanitise("a" * (limits.WRITTEN_VALUE_CHARS + 100))) <= limits.WRITTEN_VALUE_CHARS
    assert len(quoted("a" * (limits.REASON_CHARS + 100))) <= limits.REASON_CHARS + 2


def test_styles() -> None:
    long = "x:y;" * (limits.STYLE_CHARS // 4)
    assert css.declarations(long + "display:none").get("display") is None
    assert css.declarations(long[4 * 4 :] + "display:none").get("display") == "none"


@pytest.mark.parametrize(
    ("number", "seen"), [(limits.STYLE_SHEETS - 1, False), (limits.STYLE_SHEETS, True)], ids=["within", "beyond"]
)
def test_style_sheets(number: int, seen: bool) -> None:
    page = read_page("<style>.b{}</style>" * number + "<style>.a{display:none}</style><p class=a>hidden</p>")
    assert ("hidden" in page.text) == seen


def test_style_sheet_chars() -> None:
    for room, seen in ((limits.STYLE_SHEET_CHARS - 100, False), (limits.STYLE_SHEET_CHARS, True)):
        page = read_page(f"<style>{' ' * room}.a{{display:none}}</style><p class=a>hidden</p>")
        assert ("hidden" in page.text) == seen


def test_style_classes() -> None:
    for number, seen in ((limits.STYLE_CLASSES - 1, False), (limits.STYLE_CLASSES, True)):
        page = read_page(f"<style>.a{{display:none}}</style><p class='{'b ' * number}a'>hidden</p>")
        assert ("hidden" in page.text) == seen


def test_anchors() -> None:
    page = read_page("<a href='http://x.example/'>y</a>" * (limits.ANCHORS + 1))
    assert len(page.anchors) == limits.ANCHORS


def test_nested_urls() -> None:
    nested = "&".join(f"u{n}=http%3A%2F%2Fn{n}.example" for n in range(3 * limits.NESTED_URLS))
    found = str(links_of(Message(f"Subject: x\n\nhttp://x.example/?{nested}\n".encode())))
    assert 0 < sum(f"n{n}.example" in found for n in range(3 * limits.NESTED_URLS)) <= 2 * limits.NESTED_URLS


def test_report_groups() -> None:
    group = "Final-Recipient: rfc822; {}@example.org\nAction: failed\nStatus: 5.1.1\n"
    groups = "\n".join(group.format(f"a{number}") for number in range(limits.REPORT_GROUPS + 5))
    text = (
        "From: mailer-daemon@example.org\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\n{groups}\n"
        "--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@example.org>\n\nx\n--b--\n"
    )
    failure = read_failure(Message(text.encode()))
    assert failure is not None
    assert len(failure.recipients) == limits.REPORT_GROUPS - 1


def test_reverse_names() -> None:
    answer = Answer(Status.OK, tuple(f"a{number}.example" for number in range(limits.REVERSE_NAMES + 1)))
    assert len(names_in(answer)) == limits.REVERSE_NAMES


def test_dns_memory() -> None:
    memory = Memory()
    answer = Answer(Status.OK, ("192.0.2.1",))
    for number in range(limits.DNS_CACHE_ENTRIES + 10):
        memory.put(b"%d" % number, answer, 1e9)
    assert len(memory) <= limits.DNS_CACHE_ENTRIES
    large = Answer(Status.OK, (b"a" * (limits.DNS_CACHE_BYTES // 10),))
    for number in range(20):
        memory.put(b"large %d" % number, large, 1e9)
    assert len(memory) <= 10


def test_rule_pattern_and_expression() -> None:
    rule = '[rule.a]\ndescription = "x"\nscore = 1\n{}\n'
    for line, cap in (
        ('patterns = ["{}"]', limits.RULE_PATTERN_CHARS),
        ('expression = "{}"', limits.RULE_EXPRESSION_CHARS),
    ):
        with pytest.raises(reading.RulesError, match=str(cap)):
            reading.read([("a.toml", rule.format(line.format("a" * (cap + 1))))])


def test_rule_steps() -> None:
    with pytest.raises(patterns.BadPattern, match=str(limits.RULE_STEPS)):
        patterns.check("(?:abcdefghij){300}", frozenset())


def test_rule_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RULE_WORDS", 2)
    found = Finder([(compiled(word, frozenset()), word) for word in ("pills", "lottery", "loans", "casino")])
    assert found.without_words() == {"loans", "casino"}
    assert [name for name, _, _ in found.search(b"a casino, a lottery", ())] == ["lottery", "casino"]
