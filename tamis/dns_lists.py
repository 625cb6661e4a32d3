"""DNS lists of addresses and domains (RFC 5782): what one is asked, and what its answer means."""

import enum
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tamis.dns import Answer, Question, Status, reversed_name
from tamis.mail import IPAddress

Kind = Literal["ip", "domain", "url"]

_LOOPBACK: Final = ipaddress.ip_network("127.0.0.0/8")
_REFUSALS: Final = ipaddress.ip_network("127.255.255.0/24")
_NO_ANSWER: Final = ipaddress.IPv4Address("127.0.0.1")
"""What some lists say to those whose questions they do not want; no list may list by it (RFC 5782, section 2.1)."""


class Said(enum.Enum):
    """What a list says of one address or domain."""

    LISTED = enum.auto()
    NOT_LISTED = enum.auto()
    NOTHING = enum.auto()
    """No valid answer: the DNS failed, or what came is no answer of a DNS list."""
    REFUSED = enum.auto()
    """The list does not want to be asked from here, and counts as one that says nothing."""


@dataclass(frozen=True, slots=True)
class Codes:
    """The answers by which a list says "listed": ranges of addresses, and bits of the last octet; none: any answer."""

    ranges: tuple[tuple[int, int], ...] = ()
    bits: int = 0

    def hold(self, address: ipaddress.IPv4Address) -> bool:
        if not self.ranges and not self.bits:
            return True
        value = int(address)
        return bool(value & self.bits) or any(first <= value <= last for first, last in self.ranges)


def parse_codes(texts: Iterable[str]) -> Codes:
    """Read ``127.0.0.2``, ``127.0.0.4-127.0.0.7`` and ``&8`` (a bit of the last octet). Raises ValueError."""
    ranges, bits = [], 0
    for text in texts:
        if text.startswith("&"):
            bit = int(text[1:]) if text[1:].isascii() and text[1:].isdigit() else 0
            if not 2 <= bit <= 128 or bit & (bit - 1):
                raise ValueError(f"{text!r} is not a bit: write &2, &4, &8, &16, &32, &64 or &128")
            bits |= bit
            continue
        first, dash, last = text.partition("-")
        try:
            ends = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last if dash else first)
        except ValueError:
            raise ValueError(f"{text!r} is not a code: write 127.0.0.2, 127.0.0.4-127.0.0.7 or &8") from None
        if ends[0] > ends[1] or not all(_is_code(end) for end in ends) or ends[0] <= _NO_ANSWER <= ends[1]:
            raise ValueError(f"{text!r} is not within 127.0.0.2 to 127.255.254.255, the answers of DNS lists")
        ranges.append((int(ends[0]), int(ends[1])))
    return Codes(tuple(ranges), bits)


def _is_code(address: ipaddress.IPv4Address) -> bool:
    return address in _LOOPBACK and address not in _REFUSALS


@dataclass(frozen=True, slots=True)
class DnsList:
    """One list as configured. `ipv6`: it is asked about IPv6 addresses, too; `addresses`: a list of URLs, about
    addresses that stand in them, too. The test entries are one that it must list, and one that it must not."""

    name: str
    zone: str
    kind: Kind
    codes: Codes = Codes()
    ipv6: bool = True
    addresses: bool = False
    test_listed: str = ""
    test_clean: str = ""

    def question(self, subject: IPAddress | str) -> Question | None:
        """Return what to ask about an address or a domain; None where the list knows nothing of its kind."""
        if isinstance(subject, str):
            return Question(f"{subject}.{self.zone}") if self.kind != "ip" else None
        if self.kind == "domain" or (self.kind == "url" and not self.addresses):
            return None
        if subject.version == 6 and not self.ipv6:
            return None
        return Question(reversed_name(subject, self.zone))

    def reads(self, answer: Answer) -> Said:
        """Return what an answer means (RFC 5782, section 2.1)."""
        if answer.status in (Status.NXDOMAIN, Status.NODATA):
            return Said.NOT_LISTED
        addresses = [ipaddress.IPv4Address(record) for record in answer.records]
        if any(address in _REFUSALS for address in addresses):
            return Said.REFUSED
        if not addresses or any(address not in _LOOPBACK or address == _NO_ANSWER for address in addresses):
            return Said.NOTHING
        return Said.LISTED if any(self.codes.hold(address) for address in addresses) else Said.NOT_LISTED

    def tests(self) -> tuple[Question, Question]:
        """Return the question that the list must answer with "listed", and the one it must not."""
        listed, clean = ("127.0.0.2", "127.0.0.1") if self.kind == "ip" else ("test", "invalid")
        return self._entry(self.test_listed or listed), self._entry(self.test_clean or clean)

    def _entry(self, text: str) -> Question:
        try:
            return Question(reversed_name(ipaddress.ip_address(text), self.zone))
        except ValueError:
            return Question(f"{text}.{self.zone}")


def of_kind(lists: Sequence[DnsList], kind: Kind) -> list[DnsList]:
    return [one for one in lists if one.kind == kind]
