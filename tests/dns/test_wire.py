"""Replies as octets: read as dnspython reads them, and whatever is not well formed is refused, in bounded time."""

import ipaddress
import itertools
import struct
import time
from collections.abc import Callable
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.renderer
import dns.rrset
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tamis import limits
from tamis.dns import Answer, Question, Status, wire
from tamis.dns.question import CODES, RecordType, text_of
from tamis.dns.zone import Zone, ZoneText

IN = dns.rdataclass.IN
TYPES: list[RecordType] = ["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "TXT"]


def reply_of(
    zone: ZoneText, question: Question, change: Callable[[dns.message.Message], object] | None = None
) -> bytes:
    assert question.wire is not None
    reply = Zone(zone).reply(dns.message.from_wire(wire.query(7, question.wire)))
    assert isinstance(reply, dns.message.Message)
    if change:
        change(reply)
    return reply.to_wire(max_size=65535)


def read(reply: bytes, question: Question) -> Answer:
    assert question.wire is not None
    assert wire.is_reply_to(reply, question.wire)
    return wire.read(reply, question.wire)


# --- what is asked


def test_the_query_is_one_that_others_can_read() -> None:
    question = Question("Example.org", "MX")
    assert question.wire is not None
    message = dns.message.from_wire(wire.query(4711, question.wire))
    assert (message.id, message.opcode(), message.edns, message.payload) == (4711, 0, 0, limits.DNS_UDP_BYTES)
    assert message.flags == dns.flags.RD | dns.flags.AD
    assert [rrset.to_text() for rrset in message.question] == ["example.org. IN MX"]
    plain = dns.message.from_wire(wire.query(4711, question.wire, edns=False))
    assert (plain.edns, plain.id, plain.question) == (-1, 4711, message.question)


# --- records of each type


@pytest.mark.parametrize(
    ("kind", "text", "record"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:db8::1", "2001:db8::1"),
        ("AAAA", "::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("PTR", "Mail.Example.ORG.", "mail.example.org"),
        ("NS", "ns.example.org.", "ns.example.org"),
        ("CNAME", "other.example.", "other.example"),
        ("MX", "10 MX.example.org.", (10, "mx.example.org")),
        ("MX", "0 .", (0, "")),
        ("TXT", '"v=spf1 " "-all"', b"v=spf1 -all"),
        ("TXT", '""', b""),
        ("TXT", '"\\255\\000"', b"\xff\0"),
        (
            "SOA",
            "ns.example.org. host.example.org. 4294967295 2 3 4 5",
            ("ns.example.org", "host.example.org", 4294967295, 2, 3, 4, 5),
        ),
        ("PTR", "a\\.b.example.", "a\\046b.example"),
    ],
)
def test_records(kind: RecordType, text: str, record: object) -> None:
    question = Question("example.org", kind)
    answer = read(reply_of({f"example.org {kind}": [text]}, question), question)
    assert answer == Answer(Status.OK, (record,), 300)


def test_aliases_are_followed_and_the_shortest_time_holds() -> None:
    question = Question("a.example")
    zone = {"a.example CNAME": ["b.example"], "b.example CNAME": ["c.example"], "c.example": ["192.0.2.1"]}

    def shorten(reply: dns.message.Message) -> None:
        reply.answer[1].ttl = 5
        reply.answer.reverse()

    assert read(reply_of(zone, question, shorten), question) == Answer(Status.OK, ("192.0.2.1",), 5)


def test_a_record_of_another_name_is_no_answer() -> None:
    question = Question("example.org")

    def add(reply: dns.message.Message) -> None:
        reply.answer.append(dns.rrset.from_text("other.example.", 60, IN, "A", "192.0.2.66"))

    assert read(reply_of({"example.org TXT": ["x"]}, question, add), question).status is Status.NODATA


@pytest.mark.parametrize(
    ("code", "status"), [(2, Status.SERVFAIL), (5, Status.REFUSED), (4, Status.SERVFAIL), (9, Status.SERVFAIL)]
)
def test_failures(code: int, status: Status) -> None:
    question = Question("example.org")
    reply = reply_of({"example.org": ["192.0.2.1"]}, question, lambda reply: reply.set_rcode(dns.rcode.Rcode(code)))
    answer = read(reply, question)
    assert answer == Answer(status)
    assert answer.temporary
    assert not answer.known


# --- "there is none" (RFC 2308)


def soa(minimum: int) -> dns.rrset.RRset:
    return dns.rrset.from_text("org.", 600, IN, "SOA", f"ns. host. 1 2 3 4 {minimum}")


@pytest.mark.parametrize(("minimum", "ttl"), [(60, 60), (700, 600), (0, 0), (1 << 31, 0)])
@pytest.mark.parametrize(("zone", "status"), [({}, Status.NXDOMAIN), ({"example.org TXT": ["x"]}, Status.NODATA)])
def test_negative_answers_hold_as_the_soa_says(zone: ZoneText, status: Status, minimum: int, ttl: int) -> None:
    question = Question("example.org")
    reply = reply_of(zone, question, lambda reply: reply.authority.__setitem__(0, soa(minimum)))
    answer = read(reply, question)
    assert answer == Answer(status, (), ttl)
    assert answer.known
    assert not answer.temporary


def test_a_negative_answer_without_a_soa_holds_for_no_time() -> None:
    question = Question("example.org")
    reply = reply_of({}, question, lambda reply: reply.authority.clear())
    assert read(reply, question) == Answer(Status.NXDOMAIN, (), 0)


def test_a_referral_is_no_answer() -> None:
    """Name servers and nothing else: a server that does not resolve. It does not know that there is nothing."""
    question = Question("example.org")

    def refer(reply: dns.message.Message) -> None:
        reply.authority[0] = dns.rrset.from_text("org.", 600, IN, "NS", "ns.example.")

    zone = {"example.org TXT": ["x"]}
    assert read(reply_of(zone, question, refer), question) == Answer(Status.SERVFAIL)
    assert read(reply_of({}, question, refer), question).status is Status.NXDOMAIN


def test_times_are_capped() -> None:
    question = Question("example.org")

    def lengthen(reply: dns.message.Message) -> None:
        for rrset in (*reply.answer, *reply.authority):
            rrset.ttl = 1 << 30

    assert read(reply_of({"example.org": ["192.0.2.1"]}, question, lengthen), question).ttl == limits.DNS_TTL_SECONDS
    negative = reply_of({}, question, lambda reply: reply.authority.__setitem__(0, soa(1 << 30)))
    assert read(negative, question).ttl <= limits.DNS_NEGATIVE_TTL_SECONDS


def test_what_the_resolver_has_authenticated_is_known() -> None:
    question = Question("example.org")

    def authenticate(reply: dns.message.Message) -> None:
        reply.flags |= dns.flags.AD

    for zone in ({"example.org": ["192.0.2.1"]}, {}):
        assert not read(reply_of(zone, question), question).authenticated
        assert read(reply_of(zone, question, authenticate), question).authenticated


# --- what is no reply to the question


def test_replies_to_something_else_are_told_apart() -> None:
    question = Question("example.org")
    assert question.wire is not None
    good = reply_of({"example.org": ["192.0.2.1"]}, question)
    assert wire.is_reply_to(good, question.wire)
    assert wire.is_reply_to(good.replace(b"example", b"eXAMPLe"), question.wire)
    for other in (Question("example.net"), Question("example.org", "AAAA"), Question("a.example.org")):
        assert other.wire is not None
        assert not wire.is_reply_to(good, other.wire)
    assert not wire.is_reply_to(wire.query(7, question.wire), question.wire)  # Our own question, come back.
    assert not wire.is_reply_to(good[:2] + b"\xa9\x80" + good[4:], question.wire)  # Another opcode.
    assert not wire.is_reply_to(good[:4] + b"\0\2" + good[6:], question.wire)
    for size in range(12 + len(question.wire)):
        assert not wire.is_reply_to(good[:size], question.wire)


def test_only_a_failure_may_leave_the_question_out() -> None:
    question = Question("example.org")
    assert question.wire is not None
    for code, accepted in ((0, False), (1, True), (2, True), (3, False), (4, True), (5, True)):
        reply = struct.pack("!HHHHHH", 7, 0x8180 | code, 0, 0, 0, 0)
        assert wire.is_reply_to(reply, question.wire) is accepted
        if accepted:
            assert not wire.read(reply, question.wire).known


# --- hostile replies


def reply_with(answers: bytes, count: int, question: Question, authorities: int = 0, code: int = 0) -> bytes:
    assert question.wire is not None
    return struct.pack("!HHHHHH", 7, 0x8180 | code, 1, count, authorities, 0) + question.wire + answers


def record(kind: int, data: bytes, owner: bytes = b"\xc0\x0c", size: int | None = None) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, 60, len(data) if size is None else size) + data


MX, TXT, PTR = Question("example.org", "MX"), Question("example.org", "TXT"), Question("example.org", "PTR")
A, AAAA, SOA = Question("example.org"), Question("example.org", "AAAA"), Question("example.org", "SOA")
HERE = 12 + len(A.wire or b"")
"""Where the first record begins."""


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        (A, record(1, b"", owner=b"\xc0" + bytes((HERE,)))),  # A name that is itself.
        (A, record(1, b"\1\2\3\4", owner=b"\x01a\xc0" + bytes((HERE,)))),  # And one that grows for ever.
        (A, record(1, b"\1\2\3\4", owner=b"\xff\xff")),
        (A, record(1, b"\1\2\3\4", owner=b"\x80\0")),
        (A, record(1, b"\1\2\3\4", owner=b"\x40a\0")),
        (A, record(1, b"\1\2\3\4", owner=b"\x3f" + b"a" * 10)),
        (A, record(1, b"\1\2\3\4", owner=(b"\x3f" + b"a" * 63) * 4 + b"\0")),
        (A, record(1, b"\1\2\3")),
        (A, record(1, b"\1\2\3\4\5")),
        (A, record(1, b"\1\2\3\4", size=5)),
        (A, record(1, b"\1\2\3\4", size=65535)),
        (A, b""),
        (A, b"\xc0"),
        (A, b"\xc0\x0c\0\1"),
        (AAAA, record(28, b"\1\2\3\4")),
        (MX, record(15, b"\0")),
        (MX, record(15, b"\0\1")),
        (MX, record(15, b"\0\1\xc0\x0c\0")),
        (MX, record(15, b"\0\1\1a")),
        (PTR, record(12, b"\xc0" + bytes((HERE + 12,)))),
        (PTR, record(12, b"")),
        (PTR, record(12, b"\1a\0", size=2) + b"more"),
        (TXT, record(16, b"")),
        (TXT, record(16, b"\5abcd")),
        (TXT, record(16, b"\3abc\xff")),
        (SOA, record(6, b"\0\0" + b"\0" * 19)),
        (SOA, record(6, b"\0\0" + b"\0" * 21)),
        (A, record(5, b"\xc0\x0c") + b""),  # An alias of itself.
    ],
)
def test_malformed(question: Question, answers: bytes) -> None:
    reply = reply_with(answers, 1, question)
    assert question.wire is not None
    assert wire.is_reply_to(reply, question.wire)
    with pytest.raises(wire.Malformed):
        wire.read(reply, question.wire)


def test_a_malformed_authority() -> None:
    for authority in (b"", record(6, b"\0\0"), record(2, b"\0", size=9), b"\xc0\xff"):
        with pytest.raises(wire.Malformed):
            wire.read(reply_with(authority, 0, A, authorities=1, code=3), A.wire or b"")


def test_a_ladder_of_pointers_costs_little() -> None:
    """Each name points to a pointer, thousands deep: allowed by the letter, and made to cost the square."""
    ladder = record(99, b"\xc0\x0c" + b"".join(struct.pack("!H", 0xC000 | HERE + 12 + 2 * n) for n in range(8000)))
    deepest = struct.pack("!H", 0xC000 | HERE + 12 + 2 * 8000)
    reply = reply_with(ladder + record(1, b"\1\2\3\4", owner=deepest) * 2000, 2001, A)
    started = time.process_time()
    with pytest.raises(wire.Malformed):
        wire.read(reply[:65535], A.wire or b"")
    assert time.process_time() - started < 0.2


def test_the_largest_reply_costs_little() -> None:
    many = b"".join(record(1, struct.pack("!I", n)) for n in range(4094))
    started = time.process_time()
    answer = wire.read(reply_with(many, 4094, A)[:65535], A.wire or b"")
    assert time.process_time() - started < 0.2
    assert len(answer.records) == limits.DNS_RECORDS


def test_more_records_than_are_read_prove_nothing() -> None:
    others = record(1, b"\1\2\3\4", owner=b"\0") * (limits.DNS_RECORDS + 1)
    with pytest.raises(wire.Malformed):
        wire.read(reply_with(others, limits.DNS_RECORDS + 1, A), A.wire or b"")


# --- held to dnspython


def expected(reply: bytes, question: Question) -> tuple[Status, tuple[Any, ...]]:
    """What dnspython reads in a reply. Raises `dns.exception.DNSException` or ValueError where it does not."""
    message = dns.message.from_wire(reply, one_rr_per_rrset=True, ignore_trailing=True)
    code = int(message.flags) & 15
    if code not in (0, 3):
        return (Status.REFUSED if code == 5 else Status.SERVFAIL), ()
    assert question.wire is not None
    name, kind = dns.name.from_wire(question.wire, 0)[0], CODES[question.type]
    records = [rrset for rrset in message.answer if rrset.rdclass == IN]
    for _ in range(16):
        found = [rrset[0] for rrset in records if rrset.name == name and rrset.rdtype == kind]
        aliases = [rrset[0] for rrset in records if rrset.name == name and rrset.rdtype == dns.rdatatype.CNAME]
        if found or not aliases:
            break
        name = aliases[0].target
    else:
        raise dns.exception.FormError
    if found and not code:
        return Status.OK, tuple(dict.fromkeys(map(_plain, found)))
    kinds = [rrset.rdtype for rrset in message.authority if rrset.rdclass == IN]
    referral = any(rrset.rdtype == dns.rdatatype.NS for rrset in message.authority)
    if not code and dns.rdatatype.SOA not in kinds and referral:
        return Status.SERVFAIL, ()
    return (Status.NXDOMAIN if code else Status.NODATA), ()


def _plain(rdata: Any) -> Any:
    def text(name: dns.name.Name) -> str:
        return text_of(list(name.labels[:-1]))

    kind = dns.rdatatype.to_text(rdata.rdtype)
    if kind in ("A", "AAAA"):
        return str(ipaddress.ip_address(rdata.address))
    if kind == "MX":
        return rdata.preference, text(rdata.exchange)
    if kind == "TXT":
        return b"".join(rdata.strings)
    if kind == "SOA":
        numbers = (rdata.serial, rdata.refresh, rdata.retry, rdata.expire, rdata.minimum)
        return text(rdata.mname), text(rdata.rname), *numbers
    return text(rdata.target)


def _found(answer: Answer, question: Question) -> tuple[Status, tuple[Any, ...]]:
    records = answer.records
    if question.type == "AAAA":
        records = tuple(str(ipaddress.ip_address(record)) for record in records)
    return answer.status, records


LABELS = st.one_of(st.sampled_from([b"a", b"b", b"example", b"A", b"mx"]), st.binary(min_size=1, max_size=12))
NAMES = st.lists(LABELS, min_size=1, max_size=6).map(lambda labels: dns.name.Name([*labels, b""]))
SECONDS = st.integers(0, (1 << 31) - 1)


@st.composite
def rdatas(draw: st.DrawFn, kind: str) -> dns.rdata.Rdata:
    """A record of a type."""
    of = dns.rdatatype.from_text(kind)
    make: Any = dns.rdata.get_rdata_class(IN, of)
    if kind == "A":
        return make(IN, of, str(draw(st.ip_addresses(v=4))))  # type: ignore[no-any-return]
    if kind == "AAAA":
        return make(IN, of, str(ipaddress.IPv6Address(draw(st.binary(min_size=16, max_size=16)))))  # type: ignore[no-any-return]
    if kind == "MX":
        return make(IN, of, draw(st.integers(0, 65535)), draw(NAMES))  # type: ignore[no-any-return]
    if kind == "TXT":
        return make(IN, of, draw(st.lists(st.binary(max_size=255), min_size=1, max_size=4)))  # type: ignore[no-any-return]
    if kind == "SOA":
        return make(IN, of, draw(NAMES), draw(NAMES), 1, 2, 3, 4, draw(SECONDS))  # type: ignore[no-any-return]
    return make(IN, of, draw(NAMES))  # type: ignore[no-any-return]


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, Question]:
    """A well-formed reply: a chain of aliases, records, unrelated ones, an authority section."""
    kind = draw(st.sampled_from(TYPES))
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    answers = [
        dns.rrset.from_rdata(
            owner,
            draw(SECONDS),
            dns.rdata.get_rdata_class(IN, dns.rdatatype.CNAME)(IN, dns.rdatatype.CNAME, target),  # type: ignore[call-arg, arg-type]
        )
        for owner, target in itertools.pairwise(names)
    ]
    for data in draw(st.lists(rdatas(kind), max_size=4)):
        answers.append(dns.rrset.from_rdata(names[-1], draw(SECONDS), data))
    for other in draw(st.lists(st.sampled_from(TYPES), max_size=2)):
        answers.append(dns.rrset.from_rdata(draw(NAMES), draw(SECONDS), draw(rdatas(other))))
    authorities = [
        dns.rrset.from_rdata(draw(NAMES), draw(SECONDS), draw(rdatas(other)))
        for other in draw(st.lists(st.sampled_from(["SOA", "NS"]), max_size=2))
    ]
    renderer = dns.renderer.Renderer(7, 0x8180 | draw(st.sampled_from([0, 0, 0, 3, 2, 5])), 65535)
    renderer.add_question(names[0], dns.rdatatype.from_text(kind))
    for rrset in draw(st.permutations(answers)):
        renderer.add_rrset(dns.renderer.ANSWER, rrset)
    for rrset in authorities:
        renderer.add_rrset(dns.renderer.AUTHORITY, rrset)
    renderer.write_header()
    return renderer.get_wire(), Question(b".".join(names[0].labels[:-1]), kind)


@pytest.mark.slow
@given(replies())
def test_well_formed_replies_are_read_as_dnspython_does(given: tuple[bytes, Question]) -> None:
    reply, question = given
    assume(question.wire and wire.is_reply_to(reply, question.wire))  # A dot within a label cannot be asked.
    assert _found(read(reply, question), question) == expected(reply, question)


@pytest.mark.slow
@given(replies(), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=4), st.integers(0, 600))
def test_damaged_replies_are_refused_or_read_as_dnspython_does(
    given: tuple[bytes, Question], damage: list[tuple[int, int]], cut: int
) -> None:
    reply, question = given
    damaged = bytearray(reply)
    begins = 12 + len(question.wire or b"")
    for place, octet in damage:
        if begins <= place < len(damaged):
            damaged[place] = octet
    octets = bytes(damaged[: max(begins, cut)] if cut % 2 else damaged)
    _same(octets, question)


@given(st.sampled_from([A, AAAA, MX, TXT, PTR, SOA]), st.integers(0, 3), st.integers(0, 3), st.binary(max_size=200))
def test_noise_is_refused_or_read_as_dnspython_does(question: Question, count: int, more: int, noise: bytes) -> None:
    _same(reply_with(noise, count, question, authorities=more), question)


def _same(reply: bytes, question: Question) -> None:
    """What is refused is refused by dnspython, too; what both read says the same. It alone reads all sections."""
    assume(question.wire and wire.is_reply_to(reply, question.wire))
    try:
        theirs = expected(reply, question)
    except (dns.exception.DNSException, ValueError, struct.error, NotImplementedError):
        theirs = None
    assert question.wire is not None
    try:
        ours = wire.read(reply, question.wire)
    except wire.Malformed:
        assert theirs is None
        return
    if theirs is not None:
        assert _found(ours, question) == theirs
