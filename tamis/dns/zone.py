"""What the DNS holds, as a few lines of Python: for tests of filters, and for the server that the tests ask.

    zone = {
        "7.2.0.192.zen.example": ["127.0.0.2"],
        "example.org MX": ["10 mx.example.org", "20 mx2.example.org"],
        "example.org TXT": ["v=spf1 -all"],
        "www.example.org CNAME": ["example.org"],
        "broken.example A": "SERVFAIL",
        "silent.example A": "TIMEOUT",
    }

A key is a name and a type, A where it names none. A value is the records as a zone file has them, or in place of
them the name of a `Status`. What is not in the zone does not exist; a name that stands under another type has no data.
Not for the daemon: it makes real replies with dnspython, and reads them as the engine does.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.TXT
import dns.rrset

from tamis.dns import wire
from tamis.dns.answer import INVALID, Answer, Status
from tamis.dns.question import Question

ZoneText = Mapping[str, Sequence[str] | str]

TTL: Final = 300
NEGATIVE_TTL: Final = 60
_IN: Final = dns.rdataclass.IN
_SOA: Final = dns.rdata.from_text(_IN, "SOA", f"ns.invalid. hostmaster.invalid. 1 7200 3600 86400 {NEGATIVE_TTL}")
_LARGEST: Final = 65_535
_FAILURES: Final = {Status.SERVFAIL: dns.rcode.SERVFAIL, Status.REFUSED: dns.rcode.REFUSED}
_RCODES: Final = {**_FAILURES, Status.NXDOMAIN: dns.rcode.NXDOMAIN, Status.NODATA: dns.rcode.NOERROR}

Key = tuple[dns.name.Name, dns.rdatatype.RdataType]


class Zone:
    """Answers from a zone; with a `ttl` of 0 none is remembered. Raises ValueError where it is not written as above."""

    def __init__(self, text: ZoneText, ttl: int = TTL) -> None:
        self._ttl = ttl
        self._records: dict[Key, list[dns.rdata.Rdata]] = {}
        self._failures: dict[Key, Status] = {}
        for key, value in text.items():
            name, kind = _key(key)
            if isinstance(value, str):
                self._failures[name, kind] = Status(value.lower())
                continue
            self._records[name, kind] = [_record(kind, line) for line in value]
        names = [name for name, _ in (*self._records, *self._failures)]
        self._names = {ancestor for name in names for ancestor in _ancestors(name)}

    def reply(self, query: dns.message.Message) -> dns.message.Message | Status:
        """Return what a server with this zone replies; the status, where that is none of a reply."""
        reply = dns.message.make_response(query, recursion_available=True)
        name, kind = query.question[0].name, query.question[0].rdtype
        seen: set[dns.name.Name] = set()
        while name not in seen:
            seen.add(name)
            failure = self._failures.get((name, kind))
            if failure is not None:
                return self._fail(reply, failure)
            found = self._records.get((name, kind)) or self._records.get((name, dns.rdatatype.CNAME))
            if found is None:
                return self._fail(reply, Status.NODATA if name in self._names else Status.NXDOMAIN)
            # Each by itself: dnspython would shuffle them.
            reply.answer.extend(dns.rrset.from_rdata(name, self._ttl, record) for record in found)
            if (name, kind) in self._records:
                return reply
            alias = found[0]
            assert isinstance(alias, dns.rdtypes.ANY.CNAME.CNAME)
            name = alias.target
        return reply

    def _fail(self, reply: dns.message.Message, status: Status) -> dns.message.Message | Status:
        if status not in _RCODES:
            return status
        reply.set_rcode(_RCODES[status])
        if status not in _FAILURES:
            reply.authority.append(dns.rrset.from_rdata(dns.name.root, self._ttl, _SOA))
        return reply


class ZoneDns:
    """A zone in place of the DNS, for the filter under test: `ctx.dns`. One answer is shared by all who ask."""

    def __init__(self, text: ZoneText) -> None:
        self._zone = Zone(text)
        self._known: dict[Question, Answer] = {}

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        for question in questions:
            if question not in self._known:
                self._known[question] = self._answer(question)
        return [self._known[question] for question in questions]

    def _answer(self, question: Question) -> Answer:
        if question.wire is None:
            return INVALID
        reply = self._zone.reply(dns.message.from_wire(wire.query(0, question.wire)))
        if isinstance(reply, Status):
            return Answer(reply)
        return wire.answer(reply.to_wire(max_size=_LARGEST), question.wire)


def _key(text: str) -> Key:
    name, _, kind = text.partition(" ")
    return dns.name.from_text(name), dns.rdatatype.from_text(kind or "A")


def _record(kind: dns.rdatatype.RdataType, text: str) -> dns.rdata.Rdata:
    if kind == dns.rdatatype.TXT and not text.startswith('"'):
        octets = text.encode()
        strings = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
        return dns.rdtypes.ANY.TXT.TXT(_IN, kind, strings)
    return dns.rdata.from_text(_IN, kind, text, origin=dns.name.root, relativize=False)


def _ancestors(name: dns.name.Name) -> Iterator[dns.name.Name]:
    while name != dns.name.root:
        yield name
        name = name.parent()
