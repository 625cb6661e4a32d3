"""Whatever a zone, a sender and a HELO name say, a check ends: no exception, bounded questions, bounded time."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis import limits
from tamis.dns import Answer, Question, Status
from tamis.mail import IPAddress, parse_ip
from tamis.spf import SpfResult, check_spf

pytestmark = pytest.mark.slow

MOST_BATCHES = 1 + 3 * 10 + 2
"""A record; for each of ten terms a record, names and their addresses; the peer's names for %{p}; an explanation."""
MOST_SECONDS = 2.0

MACROS = [
    f"%{{{letter}{form}}}" for letter in "slodiphvcrtSLODIPHVx" for form in ("", "r", "2", "0", "1r-", "9" * 99, "+=")
]
names = st.sampled_from(["a.example", "b.example", "c.example", "no.example", "a", "", "..", "x" * 64 + ".example"])
domains = st.one_of(
    names, st.lists(st.one_of(names, st.sampled_from([*MACROS, "%%", "%_", "%-", "%", "%{", "."]))).map("".join)
)
addresses = st.one_of(
    st.ip_addresses().map(str), st.text("0123456789abcdef.:/", max_size=20), st.just("1.2.3.4"), st.just("::/0")
)
lengths = st.one_of(st.just(""), st.integers(0, 200).map("/{}".format), st.just("//64"), st.just("/" + "9" * 400))
terms = st.one_of(
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["", "+", "-", "~", "?", "!"]),
        st.sampled_from(["a", "mx", "ptr", "exists", "include", "all", "ip4", "ip6", "moo", "A", ""]),
        st.sampled_from(["", ":", "=", "::"]),
        st.one_of(domains, addresses),
        lengths,
    ),
    st.builds("{}={}".format, st.sampled_from(["redirect", "exp", "Exp", "moo", "=", "default", "op"]), domains),
    st.sampled_from(["-all", "include:a.example", "include:b.example", "mx", "ptr", "a", "redirect=c.example"]),
    st.text(max_size=30),
)
SOUND = """a mx ptr all a:c.example mx:b.example/24//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:a.example
include:b.example include:c.example exists:%{ir}.%{l1r-}.a.example a:%{p} redirect=b.example exp=%{p}.c.example
exp=b.example moo=%{d}"""
sound_terms = st.builds("{}{}".format, st.sampled_from(["", "-", "~", "?"]), st.sampled_from(SOUND.split()))
records = st.one_of(
    st.lists(sound_terms, max_size=12).map(lambda found: " ".join(["v=spf1", *found]).encode()),
    st.lists(terms, max_size=30).map(lambda found: " ".join(["v=spf1", *found]).encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [
            b"v=spf1 " + b"a:" + b"x" * 500 + b" ",
            (b"v=spf1 " + (b"a:." + b"x" * 500 + b"! ") * 8)[: limits.SPF_RECORD_CHARS],
            (b"v=spf1 exists:" + b"%{s}" * 120 + b".example -all"),
            b"v=spf1 " + b"ip4:192.0.2.1 " * 290,
            b"v=spf1 " + b"include:a.example " * 200,
            b"v=spf1 " + b"." * 60_000,
            b"v=spf1 " + b"%{d}." * 12_000,
        ]
    ),
    st.binary(max_size=50),
)
records_by_type = {
    "TXT": st.lists(records, max_size=2),
    "MX": st.lists(st.tuples(st.integers(0, 65_535), names), max_size=12),
    "PTR": st.lists(names, max_size=12),
    "A": st.lists(st.ip_addresses(v=4).map(str), max_size=1000),
    "AAAA": st.lists(st.ip_addresses(v=6).map(str), max_size=4),
}
answers = {
    kind: st.one_of(
        found.map(lambda each: Answer(Status.OK, tuple(each)) if each else Answer(Status.NODATA)),
        st.sampled_from([Answer(Status.NXDOMAIN), Answer(Status.SERVFAIL), Answer(Status.TIMEOUT)]),
    )
    for kind, found in records_by_type.items()
}
senders = st.one_of(
    st.sampled_from(["", "ann@a.example", '"a@b"@b.example', "@c.example", "a.example", "ü@a.example", "a@[1.2.3.4]"]),
    st.text(max_size=40),
    st.text(max_size=20).map("{}@a.example".format),
    st.just("." * 900 + "@a.example"),
    st.just("\udcff@a.example"),
)


class AnyDns:
    """A DNS that answers what the test draws, and counts."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._known: dict[tuple[str, str], Answer] = {}
        self.batches = 0
        self.largest = 0

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        self.batches += 1
        self.largest = max(self.largest, len(questions))
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        if question.wire is None:
            return Answer(Status.INVALID)
        key = (question.name, question.type)
        if key not in self._known:
            self._known[key] = self._data.draw(answers[question.type])
        return self._known[key]


@settings(max_examples=400)
@given(st.data(), senders, st.one_of(names, st.text(max_size=30)), st.ip_addresses().map(str).map(parse_ip))
def test_a_check_always_ends(data: st.DataObject, sender: str, helo: str, peer: IPAddress) -> None:
    dns = AnyDns(data)
    spf = check_spf(dns, peer, sender, helo)
    assert spf.result in SpfResult
    assert dns.batches <= MOST_BATCHES
    assert dns.largest <= 10
    assert spf.explanation.isascii()
    assert spf.explanation.isprintable()
    assert len(spf.explanation) <= limits.SPF_EXPLANATION_CHARS


def test_the_worst_zones_take_no_time() -> None:
    """Records as long as they may be, in each of the ten places, that cost the readers of terms the most."""
    costly = [
        b"v=spf1 " + b" ".join([b"exists:." + b"x" * 480 + b"!"] * 7),
        b"v=spf1 " + b" ".join([b"moo=" + b"%{s}" * 126] * 7) + b" ?all",
        b"v=spf1 " + b" ".join([b"moo=" + b"." * 500 + b"%%"] * 7) + b" ?all",
        b"v=spf1 " + b"ip4:192.0.2.1 " * 280,
        b"v=spf1 " + b"x" * 500,
        b"v=spf1 " + b"ip6:::1.1.1.1 " * 280,
        b"v=spf1 " + b"a=" * 2000,
    ]
    for record in costly:
        assert len(record) <= limits.SPF_RECORD_CHARS
        tail = b" include:%d.example -all"

        class Zone:
            def ask(self, questions: Sequence[Question]) -> list[Answer]:
                made = []
                for question in questions:
                    number = int(question.name.partition(".")[0])
                    made.append(Answer(Status.OK, (record + tail % (number + 1),)))  # noqa: B023
                return made

        peer = parse_ip("198.51.100.1")
        assert peer is not None
        started = time.process_time()
        check_spf(Zone(), peer, "." * 900 + "@0.example", "")
        assert time.process_time() - started < MOST_SECONDS, record[:60]
