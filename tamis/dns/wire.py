"""Questions and replies as octets (RFC 1035, section 4): what is asked is written, and only what was asked is read.

A reader of our own, since one message asks dozens of questions: docs/decisions/0015. Every read is bounded, and
everything that is not well formed raises `Malformed`.
"""

import socket
import struct
from collections.abc import Callable
from typing import Any, Final

from tamis import limits
from tamis.dns.answer import Answer, Status
from tamis.dns.question import CODES, text_of

_HEADER: Final = struct.Struct("!HHHHHH")
_FIXED: Final = struct.Struct("!HHIH")
"""Type, class, time to live and length of the data of a record."""
_HEADER_SIZE: Final = 12
_RESPONSE, _OPCODE, _TRUNCATED, _AUTHENTICATED, _RCODE = 0x8000, 0x7800, 0x0200, 0x0020, 0x000F
_ASKED_HEADER: Final = struct.pack("!HHHHH", 0x0120, 1, 0, 0, 1)
"""Recursion desired; AD, which asks for AD in the reply (RFC 6840, section 5.7); one question, one OPT."""
_ASKED_HEADER_PLAIN: Final = struct.pack("!HHHHH", 0x0120, 1, 0, 0, 0)
_OPT: Final = struct.pack("!BHHIH", 0, 41, limits.DNS_UDP_BYTES, 0, 0)
"""EDNS version 0 with the size of datagram that passes everywhere (RFC 6891)."""
_FORMERR, _SERVFAIL, _NXDOMAIN, _NOTIMP, _REFUSED = 1, 2, 3, 4, 5
_FAILURES: Final = frozenset({_FORMERR, _SERVFAIL, _NOTIMP, _REFUSED})
_IN, _CNAME, _SOA, _NS = 1, CODES["CNAME"], CODES["SOA"], CODES["NS"]
_OWNER_IS_QUESTION: Final = b"\xc0\x0c"
_LONGEST_NAME: Final = 255
_JUMPS: Final = 127
"""A name has at most so many labels, so a sound one needs no more pointers."""
_ALIASES: Final = 16
_NOT_A_TIME: Final = 1 << 31


class Malformed(Exception):
    """A reply that cannot be read."""


def query(number: int, question: bytes, edns: bool = True) -> bytes:
    """Return the octets that ask a question (`Question.wire`), with or without EDNS."""
    head = number.to_bytes(2, "big")
    return head + _ASKED_HEADER + question + _OPT if edns else head + _ASKED_HEADER_PLAIN + question


def is_reply_to(reply: bytes, question: bytes) -> bool:
    """Whether octets that came from the server are a reply to that question; case in the name may differ."""
    if len(reply) < _HEADER_SIZE or reply[2] & 0xF8 != 0x80:  # A response (QR) to a query (opcode 0).
        return False
    if reply[4:6] == b"\0\0":
        return reply[3] & _RCODE in _FAILURES  # Some servers do not repeat what they would not read.
    if reply[4:6] != b"\0\1":
        return False
    asked = reply[_HEADER_SIZE : _HEADER_SIZE + len(question)]
    return asked == question or (asked[-4:] == question[-4:] and asked.lower() == question.lower())


def is_truncated(reply: bytes) -> bool:
    """Whether the reply says that it was cut off (TC), to be asked for again over TCP."""
    return bool(reply[2] & 0x02)


def refuses_edns(reply: bytes) -> bool:
    """Whether the reply is what servers without EDNS say to it (RFC 6891, section 7)."""
    return reply[3] & _RCODE in (_FORMERR, _NOTIMP)


def answer(reply: bytes, question: bytes) -> Answer:
    """Return the answer in a reply as `read` does; one that cannot be read is a failure of the server."""
    try:
        return read(reply, question)
    except Malformed:
        return Answer(Status.SERVFAIL)


def read(reply: bytes, question: bytes) -> Answer:
    """Return the answer in a reply that was found to be one (`is_reply_to`). Raises `Malformed`, and nothing else."""
    try:
        return _read(reply, question)
    except (IndexError, struct.error) as error:
        raise Malformed("cut off") from error


def _read(reply: bytes, question: bytes) -> Answer:
    _, flags, _, answers, authorities, _ = _HEADER.unpack_from(reply)
    code = flags & _RCODE
    if code not in (0, _NXDOMAIN):
        return Answer(Status.REFUSED if code == _REFUSED else Status.SERVFAIL)
    asked, kind = question[:-4], int.from_bytes(question[-4:-2], "big")
    read_data = _READERS[kind]
    found: dict[bytes, list[tuple[int, Any]]] = {}
    aliases: dict[bytes, tuple[int, bytes]] = {}
    at = _HEADER_SIZE + len(question)
    for _ in range(min(answers, limits.DNS_RECORDS)):
        if reply[at : at + 2] == _OWNER_IS_QUESTION:
            owner, at = asked, at + 2
        else:
            owner, at = _name(reply, at)
        of_type, of_class, ttl, size = _FIXED.unpack_from(reply, at)
        at += 10
        end = at + size
        if end > len(reply):
            raise Malformed("a record is cut off")
        if of_class == _IN:
            if of_type == kind:
                found.setdefault(owner, []).append((_seconds(ttl), read_data(reply, at, end)))
            elif of_type == _CNAME:
                aliases.setdefault(owner, (_seconds(ttl), _only_name(reply, at, end)))
        at = end
    authenticated = bool(flags & _AUTHENTICATED)
    ttl = limits.DNS_TTL_SECONDS
    owner = asked
    for _ in range(_ALIASES):
        records = found.get(owner)
        if records is not None or owner not in aliases:
            break
        alias_ttl, owner = aliases[owner]
        ttl = min(ttl, alias_ttl)
    else:
        raise Malformed("aliases without end")
    if records and code == 0:
        ttl = min(ttl, min(seconds for seconds, _ in records))
        return Answer(Status.OK, tuple(dict.fromkeys(record for _, record in records)), ttl, authenticated)
    if answers > limits.DNS_RECORDS:
        raise Malformed("too many records")
    negative = _negative_ttl(reply, at, authorities)
    if negative is None:
        return Answer(Status.SERVFAIL)
    return Answer(Status.NXDOMAIN if code else Status.NODATA, (), min(ttl, negative), authenticated)


def _negative_ttl(reply: bytes, at: int, authorities: int) -> int | None:
    """Return for how long "there is none" holds (RFC 2308, section 5): 0 where nothing says so.

    None for a referral (section 2.2): the server does not do what it is asked, and knows nothing of the name.
    """
    referral = False
    for _ in range(min(authorities, limits.DNS_RECORDS)):
        _, at = _name(reply, at)
        of_type, of_class, ttl, size = _FIXED.unpack_from(reply, at)
        at += 10
        end = at + size
        if end > len(reply):
            raise Malformed("a record is cut off")
        if of_type == _SOA and of_class == _IN:
            minimum = int.from_bytes(reply[_soa_parts(reply, at, end)[2] + 16 : end], "big")
            return min(_seconds(ttl), _seconds(minimum), limits.DNS_NEGATIVE_TTL_SECONDS)
        referral = referral or of_type == _NS
        at = end
    return None if referral and not reply[3] & _RCODE else 0


def _seconds(ttl: int) -> int:
    """A time to live; one with the highest bit set is none (RFC 2181, section 8)."""
    return ttl if ttl < _NOT_A_TIME else 0


def _name(reply: bytes, at: int) -> tuple[bytes, int]:
    """Return a name as uncompressed octets in lower case, and where it ends. Pointers go backwards only, so they end.

    A label that is cut off ends beyond the reply, where reading the next one's length fails.
    """
    labels: list[bytes] = []
    size, end, before, jumps = 1, 0, at, 0
    while length := reply[at]:
        if length < 64:
            size += length + 1
            if size > _LONGEST_NAME:
                raise Malformed("a name is too long")
            labels.append(reply[at : at + length + 1])
            at += length + 1
        elif length >= 192:
            pointer = (length & 63) << 8 | reply[at + 1]
            end = end or at + 2
            jumps += 1
            if pointer >= before or jumps > _JUMPS:
                raise Malformed("a name points forward")
            before = at = pointer
        else:
            raise Malformed("a label of unknown kind")
    return b"".join(labels).lower() + b"\0", end or at + 1


def _text(name: bytes) -> str:
    """Return uncompressed octets of a name as text."""
    labels = []
    at = 0
    while length := name[at]:
        labels.append(name[at + 1 : at + 1 + length])
        at += length + 1
    return text_of(labels)


def _only_name(reply: bytes, at: int, end: int) -> bytes:
    name, after = _name(reply, at)
    if after != end:
        raise Malformed("a name does not fill its record")
    return name


def _address(reply: bytes, at: int, end: int) -> str:
    if end - at != 4:
        raise Malformed("no IPv4 address")
    return socket.inet_ntoa(reply[at:end])


def _address6(reply: bytes, at: int, end: int) -> str:
    if end - at != 16:
        raise Malformed("no IPv6 address")
    return socket.inet_ntop(socket.AF_INET6, reply[at:end])


def _name_text(reply: bytes, at: int, end: int) -> str:
    return _text(_only_name(reply, at, end))


def _exchange(reply: bytes, at: int, end: int) -> tuple[int, str]:
    if end - at < 3:
        raise Malformed("no MX")
    return int.from_bytes(reply[at : at + 2], "big"), _name_text(reply, at + 2, end)


def _strings(reply: bytes, at: int, end: int) -> bytes:
    pieces = []
    while at < end:
        after = at + 1 + reply[at]
        pieces.append(reply[at + 1 : after])
        at = after
    if at != end or not pieces:
        raise Malformed("strings do not fill their record")
    return b"".join(pieces)


def _soa_parts(reply: bytes, at: int, end: int) -> tuple[bytes, bytes, int]:
    """Return the two names of a SOA, and where its five numbers begin; the last is the minimum."""
    primary, at = _name(reply, at)
    person, at = _name(reply, at)
    if end - at != 20:
        raise Malformed("no SOA")
    return primary, person, at


def _soa(reply: bytes, at: int, end: int) -> tuple[str, str, int, int, int, int, int]:
    primary, person, at = _soa_parts(reply, at, end)
    return _text(primary), _text(person), *struct.unpack_from("!IIIII", reply, at)


_READERS: Final[dict[int, Callable[[bytes, int, int], Any]]] = {
    CODES["A"]: _address,
    CODES["AAAA"]: _address6,
    CODES["CNAME"]: _name_text,
    CODES["MX"]: _exchange,
    CODES["NS"]: _name_text,
    CODES["PTR"]: _name_text,
    CODES["SOA"]: _soa,
    CODES["TXT"]: _strings,
}
