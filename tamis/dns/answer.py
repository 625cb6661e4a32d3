"""What the DNS said to a question."""

import enum
from typing import Any

import msgspec


class Status(enum.StrEnum):
    """The kind of an answer. The first three come from the DNS and are remembered."""

    OK = "ok"
    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    """The name exists, and has no record of that type."""
    SERVFAIL = "servfail"
    """Every server failed, or answered nonsense."""
    REFUSED = "refused"
    TIMEOUT = "timeout"
    """No answer in time: that of the server, or that of this message."""
    UNAVAILABLE = "unavailable"
    """Nobody to ask: every server is left alone for a while since it did not answer."""
    OVER_BUDGET = "over budget"
    """The message has asked all it may."""
    INVALID = "invalid"
    """The name cannot be asked."""


_KNOWN = frozenset({Status.OK, Status.NXDOMAIN, Status.NODATA})
_LASTING = _KNOWN | {Status.INVALID}


class Answer(msgspec.Struct, frozen=True):
    """An answer. Its aliases have been followed (CNAME).

    `records` is empty unless the status is OK; each is, by the type of the question:
    A, AAAA: the address as text. PTR, NS, CNAME: the name as text, in lower case and without the final dot, with odd
    octets as ``\\DDD`` (`tamis.dns.question.text_of`). MX: (preference, name); the name of a null MX (RFC 7505) is
    empty. TXT: octets, its strings joined. SOA: (mname, rname, serial, refresh, retry, expire, minimum).

    `ttl`: seconds for which it held when it arrived. `authenticated`: the resolver says that it has checked it with
    DNSSEC (the AD flag); worth what the way to the resolver is worth.
    """

    status: Status
    records: tuple[Any, ...] = ()
    ttl: int = 0
    authenticated: bool = False

    @property
    def known(self) -> bool:
        """Whether the DNS has said what there is, be it nothing."""
        return self.status in _KNOWN

    @property
    def temporary(self) -> bool:
        """Whether asking again later may bring another answer: nothing may be concluded now."""
        return self.status not in _LASTING


INVALID = Answer(Status.INVALID)
TIMEOUT = Answer(Status.TIMEOUT)
UNAVAILABLE = Answer(Status.UNAVAILABLE)
OVER_BUDGET = Answer(Status.OVER_BUDGET)
