"""pyspf on our DNS engine, with the bounds of this house.

pyspf asks through a function of its module, which all threads would share; here each check asks through its own `Dns`,
several names at once where RFC 7208 has several. What else is changed:

- an explanation is fetched only when it is asked for, not whenever a record names one;
- a term counts once against the limit of void lookups, however many of its names have no address (section 4.6.4 counts
  terms): otherwise any domain with three mail servers without IPv6 would be in error for a peer with IPv6;
- what the peer's own reverse DNS leaves open is remembered (`reverse_failed`) instead of taken for "no match";
- names that are too long lose as many labels on the left as they must (section 7.3), not one;
- names of modifiers are read in any case (section 12);
- records and terms have a longest length, and addresses are compared as numbers: a hostile zone may have thousands.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from typing import Any, Final

import spf

from tamis import limits
from tamis.dns import Answer, Question
from tamis.dns.lookups import Dns
from tamis.dns.question import RecordType

_MODIFIER: Final = re.compile(r"(?<![^ ])[A-Za-z][A-Za-z0-9_.-]*=")
_LONGEST_NAME: Final = 253


class _Unfetched(str):
    """Where an explanation is to be found, and the domain whose record says so."""

    domain: str


class SpfQuery(spf.query):
    """The check of one message; `check` says the result first. A temporary failure of the DNS is a temperror."""

    mechanism: str | None
    prob: str

    def __init__(
        self,
        dns: Dns,
        peer: ipaddress.IPv4Address | ipaddress.IPv6Address,
        local: str,
        domain: str,
        helo: str,
    ) -> None:
        super().__init__(i=str(peer), s=f"{local}@{domain}", h=helo)
        self.l, self.o, self.d = local, domain, domain  # pyspf would part them at the first @, which may be quoted.
        self.reverse_failed = False
        self._dns = dns
        self._family = socket.AF_INET6 if self.A == "AAAA" else socket.AF_INET
        self._peer_number = int(self.ipaddr)

    def explain(self) -> str:
        """Return what the domain says of a fail, empty where it says nothing that can be read."""
        where = self.exps["fail"]
        if not isinstance(where, _Unfetched):
            return ""
        self.d = where.domain
        try:
            found = self.dns_txt(where, ignore_void=True)
            if len(found) != 1:
                return ""
            words = spf.to_ascii(found[0][: limits.SPF_RECORD_CHARS]).split(" ")
            return " ".join(self.expand(word, stripdot=False) for word in words)
        except (spf.TempError, spf.PermError):
            return ""

    def get_explanation(self, spec: str) -> str:
        where = _Unfetched(spec)
        where.domain = self.d
        return where

    def check0(self, record: str | None, recursion: int) -> tuple[str, int, str]:
        if record is not None:
            if len(record) > limits.SPF_RECORD_CHARS or max(map(len, record.split(" "))) > limits.SPF_TERM_CHARS:
                raise spf.PermError("A record or a term of it is too long")
            record = _MODIFIER.sub(lambda name: name[0].lower(), record)
        answer: tuple[str, int, str] = super().check0(record, recursion)
        return answer

    def expand(self, text: str, stripdot: bool = True) -> str:
        if len(text) > limits.SPF_TERM_CHARS:
            raise spf.PermError("A term is too long")
        expanded: str = super().expand(text, stripdot)
        if stripdot and len(expanded) > _LONGEST_NAME:
            return expanded[-_LONGEST_NAME - 1 :].partition(".")[2]
        return expanded

    def dns(self, name: str, qtype: RecordType, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        """Return the records of a name as pyspf takes them: a TXT record as a list of its strings."""
        answer = self._ask([name], qtype)[0]
        _raise_if_temporary([answer])
        if not answer.records and not ignore_void:
            self._count_void()
        return [[text] for text in answer.records] if qtype == "TXT" else list(answer.records)

    def dns_mx(self, domainname: str) -> list[str]:
        """Return the addresses of the domain's mail servers."""
        exchanges = self.dns(domainname, "MX")
        if len(exchanges) > spf.MAX_MX:
            raise spf.PermError(f"More than {spf.MAX_MX} MX records returned")
        answers = self._ask([name for _, name in exchanges if name], self.A)
        _raise_if_temporary(answers)
        if exchanges and not all(answer.records for answer in answers):
            self._count_void()
        return [address for answer in answers for address in answer.records]

    def validated_ptrs(self) -> list[str]:
        """Return the names of the peer that lead back to it (section 5.5)."""
        try:
            names = self.dns_ptr(self.i)[: spf.MAX_PTR]
        except spf.TempError:
            self.reverse_failed = True
            return []
        answers = self._ask(names, self.A)
        self.reverse_failed |= any(answer.temporary for answer in answers)
        return [
            name for name, answer in zip(names, answers, strict=True) if self.cidrmatch(answer.records, self.cidrmax)
        ]

    def cidrmatch(self, addresses: Iterable[str], n: int) -> bool:
        """Whether the peer shares its first `n` bits with one of the addresses, which are of its own version."""
        shift = self.cidrmax - n
        wanted = self._peer_number >> shift
        try:
            return any(
                int.from_bytes(socket.inet_pton(self._family, address), "big") >> shift == wanted
                for address in addresses
            )
        except OSError as error:
            raise spf.PermError(str(error)) from error

    def _ask(self, names: Sequence[str], kind: RecordType) -> list[Answer]:
        # No term matches for a local part that is not ASCII (RFC 8616, section 4), so such a name has no records.
        return self._dns.ask([Question(name if name.isascii() else "", kind) for name in names])

    def _count_void(self) -> None:
        self.void_lookups += 1
        if self.void_lookups > spf.MAX_VOID_LOOKUPS:
            raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")


def _raise_if_temporary(answers: Iterable[Answer]) -> None:
    for answer in answers:
        if answer.temporary:
            raise spf.TempError(f"DNS: {answer.status}")
