"""The headers written (SPEC, section 4): exact, adding up, and safe whatever came over the wire."""

import email
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.filters.order import BY_NAME
from tamis.headers import Changes, changes, hits, own_names, quoted, sanitise
from tamis.mail import Mail, parse_ip
from tamis.message import Message
from tamis.record import Record, Verdict, points
from tamis.settings import Headers
from tamis.traits import OTHERS, TRAITS

NAMES = Headers()
TESTS = (("BAYES", 59), ("MISSING_DATE", 50), ("MALFORMED_HEADERS", 0))


def verdict(tests: Sequence[tuple[str, int]] = TESTS, **changed: Any) -> Verdict:
    known: dict[str, Any] = {"recipient": "bob@example.org", "spam": False, "action": "deliver", "mode": "tag"}
    row = changed.pop("row", None)
    score = sum(weight for _, weight in tests)
    known |= {"level": 7.5, "score": score, "tests": tuple(tests), "row": BY_NAME[row] if row else None}
    return Verdict(**(known | changed))


def mail(text: bytes = b"Subject: hello\n\n", **changed: Any) -> Mail:
    known: dict[str, Any] = {
        "message": Message(text),
        "peer": parse_ip("192.0.2.7"),
        "helo": "mail.example.net",
        "sender": "Ann@example.net",
        "recipients": ["Bob@example.org"],
        "id": "0123456789abcdef",
        "now": datetime(2024, 1, 1, tzinfo=UTC),
    }
    return Mail(**(known | changed))


def written(*verdicts: Verdict, names: Headers = NAMES, **changed: Any) -> dict[str, str]:
    found = changes(Record(mail(**changed), verdicts=verdicts), names).add
    assert len({name.lower() for name, _ in found}) == len(found)
    return dict(found)


def tagged(text: bytes, **changed: Any) -> str | None:
    spam = verdict(spam=True, action="tag", row="bayes", because="x", **changed)
    return changes(Record(mail(text), verdicts=[spam]), NAMES).subject


def status(value: str) -> tuple[str, float, float, dict[str, int]]:
    """Read X-Spam-Status back, by the words of the specification."""
    flat = value.replace("\n\t", "")
    match = re.fullmatch(r"(Yes|No), (?:hits|score)=(-?\d+\.\d) required=([\d.]+)tests=(.*)", flat)
    assert match, value
    tests: dict[str, int] = {}
    for piece in [] if match[4] == "none" else match[4].split(","):
        name, _, weight = piece.partition(": ")
        assert re.fullmatch(r"[A-Z0-9_]+", name)
        assert name not in tests
        tests[name] = round(1000 * float(weight))
    return match[1], float(match[2]), float(match[3]), tests


def test_ham_as_in_the_specification() -> None:
    assert written(verdict()) == {
        "X-Ico-Bay": "0.109",
        "X-Spam-Status": "No, hits=0.1 required=7.5\n\ttests=BAYES: 0.059,MISSING_DATE: 0.05,MALFORMED_HEADERS: 0",
        "X-Error-Return-Path": "<Ann@example.net>",
        "X-HELO-In-Domain": "mail.example.net",
        "X-ORG-IN-IP-Address": "192.0.2.7",
        "X-RCPT-TO": "<Bob@example.org>",
        "X-IcoServerMsgID": "0123456789abcdef",
        "X-Tamis-Verdict": "ham; action=deliver; id=0123456789abcdef",
    }


def test_spam() -> None:
    spam = verdict(spam=True, action="tag", row="blacklisted-sender", test="BL_SENDER", because='matches "x"')
    assert written(spam)["X-Tamis-Verdict"].replace("\n\t", " ") == (
        'spam; action=tag; row=9 blacklisted-sender; because="matches \\"x\\""; id=0123456789abcdef'
    )


def test_whitelisted() -> None:
    through = verdict(row="whitelisted-ip", because="peer matches x", let_through="Whitelisted Peer IP")
    found = written(through)
    assert found["X-Icodia-SpamFilter-WL"] == "Whitelisted Peer IP"
    assert found["X-Tamis-Verdict"].startswith("ham; action=deliver; row=4 whitelisted-ip;")
    assert found["X-Ico-Bay"] == "0.109"


def test_the_null_sender_and_the_unknown() -> None:
    found = written(verdict(), sender="", helo="", peer=None)
    assert found["X-Error-Return-Path"] == "<>"
    assert not {"X-HELO-In-Domain", "X-ORG-IN-IP-Address"} & found.keys()


def test_nothing_on_outgoing_mail() -> None:
    assert changes(Record(mail()), NAMES) == Changes()


# The score


@pytest.mark.parametrize(
    ("score", "bay", "printed"),
    [
        (0, "0.000", "0.0"),
        (109, "0.109", "0.1"),
        (-20, "-0.020", "0.0"),
        (-50, "-0.050", "-0.1"),
        (7500, "7.500", "7.5"),
        (12_345_678, "12345.678", "12345.7"),
    ],
)
def test_numbers(score: int, bay: str, printed: str) -> None:
    found = written(verdict([("A", score)]))
    assert found["X-Ico-Bay"] == bay
    if score != -50:
        assert f"hits={printed} " in found["X-Spam-Status"]
    assert hits(score) == f"{score / 1000:.1f}".replace("-0.0", "0.0")


@pytest.mark.parametrize(
    ("thousandths", "text"),
    [(0, "0"), (50, "0.05"), (-1250, "-1.25"), (1000, "1"), (10_000, "10"), (1, "0.001"), (-1, "-0.001")],
)
def test_points(thousandths: int, text: str) -> None:
    assert points(thousandths) == text


_TEST_NAMES = st.text("ABCXYZ0189_", min_size=1, max_size=40)


@given(
    st.lists(st.tuples(_TEST_NAMES, st.integers(-50_000, 50_000)), max_size=60, unique_by=lambda test: test[0]),
    st.sampled_from([3, 4.5, 6, 7.5, 9, 10.5, 12]),
    st.booleans(),
)
def test_the_printed_weights_add_up(tests: list[tuple[str, int]], level: float, spelling: bool) -> None:
    names = Headers(spamassassin_spelling=spelling)
    found = written(verdict(tests, level=level), names=names)
    answer, printed, required, weights = status(found["X-Spam-Status"])
    score = sum(weights.values())
    assert weights == dict(tests)
    assert f"{score / 1000:.3f}" == found["X-Ico-Bay"]
    assert abs(printed - score / 1000) <= 0.0501
    assert required == level
    assert answer == ("Yes" if score >= 1000 * level else "No")
    assert ("score=" if spelling else "hits=") in found["X-Spam-Status"]


def test_of_many_small_tests_the_strongest_are_printed_and_the_others_added_up() -> None:
    small = [(name, (-1) ** number * (1 + number)) for number, name in enumerate(list(TRAITS)[:100])]
    found = written(verdict([("BAYES", 3000), *small, ("SPF_SOFT", 0)]))
    _, _, _, weights = status(found["X-Spam-Status"])
    assert f"{sum(weights.values()) / 1000:.3f}" == found["X-Ico-Bay"]
    assert len(weights) == limits.STATUS_TESTS + 3
    assert weights.keys() >= {"BAYES", "SPF_SOFT", OTHERS, small[-1][0]}
    assert small[0][0] not in weights
    assert len(found["X-Spam-Status"]) < 2000


def test_no_test_at_all() -> None:
    assert written(verdict([]))["X-Spam-Status"] == "No, hits=0.0 required=7.5\n\ttests=none"


# Several recipients


def test_only_one_recipient_is_named() -> None:
    two = (verdict(), verdict(recipient="carol@example.org"))
    assert "X-RCPT-TO" not in written(*two, recipients=["bob@example.org", "carol@example.org"])
    assert "X-RCPT-TO" not in written(verdict(), recipients=["bob@example.org", "BOB@example.org"])


def test_the_copy_that_is_shared_prints_the_lowest_required() -> None:
    """SPEC, section 5: whoever is spam, and for whatever reason."""
    strict = verdict([("A", 4000)], level=3, let_through="Whitelisted Peer IP", row="whitelisted-ip")
    easy = verdict([("A", 4000)], recipient="c@example.com", level=12, spam=True, row="blacklisted-ip", because="own")
    for order in ((strict, easy), (easy, strict)):
        found = status(written(*order)["X-Spam-Status"])
        assert found[:3] == ("Yes", 4.0, 3.0)


def test_recipients_who_differ() -> None:
    spam = verdict(spam=True, action="tag", row="blacklisted-ip", because="peer matches x (blacklist_ip of a.example)")
    found = changes(Record(mail(), verdicts=[spam, verdict(recipient="c@b.example")]), NAMES)
    value = dict(found.add)["X-Tamis-Verdict"]
    assert value.startswith("differs; action=observe;")
    assert "a.example" not in value
    assert found.subject is None


def test_private_hits_are_never_shown_to_others() -> None:
    """Each is on the list of one domain alone; neither domain may read it in the copy they share."""
    first = verdict([("BL_SENDER", 0), *TESTS], spam=True, row="blacklisted-sender", because="secret of a.example")
    second = verdict([("WL_IP", 0), *TESTS], recipient="c@b.example", let_through="Whitelisted Peer IP")
    for order in ((first, second), (second, first)):
        found = written(*order, recipients=["bob@example.org", "c@b.example"])
        assert "X-Icodia-SpamFilter-WL" not in found
        everything = "".join(found.values())
        assert "BL_SENDER" not in everything
        assert "WL_IP" not in everything
        assert "secret" not in everything
    assert "BL_SENDER: 0" in written(first)["X-Spam-Status"]


def test_the_same_row_for_reasons_of_their_own() -> None:
    """Both domains have the sender on their own lists: neither copy may quote the other's."""
    both = [
        verdict([("BL_SENDER", 0)], recipient=who, spam=True, row="blacklisted-sender", test="BL_SENDER", because=why)
        for who, why in (("a@a.example", "x (blacklist_sender of a.example)"), ("b@b.example", ".x (of b.example)"))
    ]
    for order in (both, both[::-1]):
        value = written(*order, recipients=["a@a.example", "b@b.example"])["X-Tamis-Verdict"]
        assert value.startswith("spam; action=deliver; row=9 blacklisted-sender;")
        assert "example" not in value
    levels = [
        verdict(recipient=who, spam=True, level=level, row="bayes", because=f"score 8 reaches the level {level:g}")
        for who, level in (("a@a.example", 7.5), ("b@b.example", 3))
    ]
    assert "reaches the level 3" in written(*levels)["X-Tamis-Verdict"]


def test_recipients_who_agree() -> None:
    both = [
        verdict(recipient=who, spam=True, action="tag", row="blacklisted-ip", because="same") for who in ("a@x", "b@x")
    ]
    found = changes(Record(mail(), verdicts=both), NAMES)
    assert dict(found.add)["X-Tamis-Verdict"].startswith("spam; action=tag; row=8 blacklisted-ip;")
    assert found.subject == "SPAM: hello"


# Names


def test_copies_from_outside_are_removed() -> None:
    removed = changes(Record(mail(), verdicts=[verdict()]), NAMES).remove
    assert {
        "X-Ico-Bay", "X-Spam-Status", "X-Spam-Flag", "X-Error-Return-Path", "X-HELO-In-Domain", "X-ORG-IN-IP-Address",
        "X-Icodia-SpamFilter-WL", "X-RCPT-TO", "X-IcoServerMsgID", "X-Tamis-Verdict",
    } == set(removed)  # fmt: skip


def test_renamed_and_switched_off() -> None:
    names = Headers(score="X-Note", status="", verdict="", recipient="x-ico-bay")
    found = written(verdict(), names=names)
    assert found["X-Note"] == "0.109"
    assert found["x-ico-bay"] == "<Bob@example.org>"
    assert not {"X-Ico-Bay", "X-Spam-Status", "X-Tamis-Verdict", "X-RCPT-TO"} & found.keys()
    owned = [name.lower() for name in own_names(names)]
    assert {"x-note", "x-spam-status", "x-tamis-verdict", "x-ico-bay"} <= set(owned)
    assert len(owned) == len(set(owned))


def test_score_headers_switched_off_by_the_policy() -> None:
    found = written(verdict(score_headers=False))
    assert not {"X-Ico-Bay", "X-Spam-Status"} & found.keys()
    assert "X-Tamis-Verdict" in found
    assert "X-Ico-Bay" in written(verdict(score_headers=False), verdict(recipient="c@b.example"))


# The Subject


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (b"Subject: hello\n\n", "SPAM: hello"),
        (b"Subject:hello\n\n", "SPAM: hello"),
        (b"Subject: SPAM: hello\n\n", None),
        (b"Subject:  SPAM: hello\n\n", None),
        (b"Subject: SPAM:hello\n\n", None),
        (b"Subject: NOSPAM: hello\n\n", "SPAM: NOSPAM: hello"),
        (b"Subject: one\n two\n\n", "SPAM: one\n two"),
        (b"Subject: =?utf-8?q?caf=C3=A9?=\n\n", "SPAM: =?utf-8?q?caf=C3=A9?="),
        (b"Subject: =?utf-8?q?a?=\n =?utf-8?q?b?=\n\n", "SPAM: =?utf-8?q?a?=\n =?utf-8?q?b?="),
        ("Subject: café\n\n".encode(), "SPAM: café"),
        (b"Subject: caf\xe9\n\n", "SPAM: =?utf-8?b?Y2Fmw6k=?="),
        (b"Subject: a\0b\rc\n\n", "SPAM: abc"),
        (b"Subject:\n\n", "SPAM: "),
        (b"From: x\n\n", "SPAM: "),
        (b"Subject: first\nSubject: second\n\n", "SPAM: first"),
    ],
)
def test_tagging(text: bytes, subject: str | None) -> None:
    assert tagged(text) == subject


def test_every_copy_of_the_subject_is_tagged() -> None:
    spam = verdict(spam=True, action="tag", row="bayes", because="x")
    for first, number in (("SPAM: a", 2), ("a", 2), ("a", 300)):
        text = f"Subject: {first}\n" + "SUBJECT: b\n" * (number - 1) + "subject: SPAM: c\n\n"
        found = changes(Record(mail(text.encode()), verdicts=[spam]), NAMES)
        assert found.subject == (None if first.startswith("SPAM") else "SPAM: a")
        assert found.repeated_subjects == dict.fromkeys(range(2, min(number, 10) + 1), "SPAM: b")


def test_subject_past_the_cap_is_not_replaced() -> None:
    spam = verdict(spam=True, action="tag", row="bayes", because="x")
    found = changes(Record(mail(b"A: b\n" * 1001 + b"Subject: real\n\n"), verdicts=[spam]), NAMES)
    assert found.subject is None
    assert found.add[-1] == ("Subject", "SPAM: ")


def test_ham_keeps_its_subject() -> None:
    assert changes(Record(mail(), verdicts=[verdict()]), NAMES).subject is None
    observed = verdict(spam=True, action="observe", row="bayes")
    assert changes(Record(mail(), verdicts=[observed]), NAMES).subject is None


@given(st.binary(max_size=200))
def test_a_tagged_subject_is_one_field(value: bytes) -> None:
    subject = tagged(b"Subject: " + value + b"\n\n")
    if subject is not None:
        assert re.fullmatch(r"(?:[^\r\n\0]|\n[ \t])*", subject)
        subject.encode()


def test_a_very_long_subject_is_bounded() -> None:
    subject = tagged(b"Subject: " + b"a" * 100_000 + b"\n\n")
    assert subject is not None
    assert len(subject) < 20_000


# Injection

_WIRE = st.one_of(
    st.text(max_size=300),
    st.binary(max_size=300).map(lambda octets: octets.decode("utf-8", "surrogateescape")),
    st.sampled_from(["\r\nBcc: x", "\n\n", "x\nX-Ico-Bay: -100", "\0", "\x7f", "é", "a" * 5000, '"', "\\", "\t"]),
)
_FOLDED = re.compile(r"(?:[ -~]|\n\t)*")


@given(_WIRE, _WIRE, _WIRE, _WIRE)
def test_nothing_from_the_wire_gets_out_of_its_value(sender: str, helo: str, recipient: str, because: str) -> None:
    spam = verdict(spam=True, action="tag", row="blacklisted-sender", because=because, let_through=because)
    found = written(spam, sender=sender, helo=helo, recipients=[recipient])
    block = "".join(f"{name}: {value}\n" for name, value in found.items())
    for name, value in found.items():
        assert _FOLDED.fullmatch(value), (name, value)
        assert all(len(line) <= 998 for line in f"{name}: {value}".split("\n"))
    assert list(email.message_from_string(block).keys()) == list(found)
    assert found["X-Tamis-Verdict"].endswith("id=0123456789abcdef")


@given(_WIRE, st.integers(10, 300))
def test_sanitise(value: str, limit: int) -> None:
    clean = sanitise(value, limit)
    assert len(clean) <= limit
    assert re.fullmatch(r"[ -~]*", clean)
    if re.fullmatch(r"[ -~]*", value) and len(value) <= limit:
        assert clean == value
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', quoted(value, limit))
