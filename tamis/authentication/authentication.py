"""All that can be said of who sent one message, each part worked out when it is first asked for, and once."""

import logging
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol, TypeVar

from tamis import limits
from tamis.addresses import domain_of
from tamis.authentication import arc, dkim, dmarc, iprev
from tamis.authentication.dmarc import Record
from tamis.authentication.domains import aligned
from tamis.authentication.results import Arc, Dkim, Dmarc, Iprev, Result, Unverified
from tamis.authentication.signature import Signature
from tamis.authentication.signed import SignedMessage
from tamis.dns import Question
from tamis.dns.lookups import Dns, NoDns
from tamis.mail import Mail
from tamis.message import Message
from tamis.once import once

_log = logging.getLogger("tamis")
T = TypeVar("T")


class SpfSaid(Protocol):
    """The result of a check of SPF: one of the words of RFC 7208, section 2.6, and the domain that was asked."""

    @property
    def result(self) -> str: ...

    @property
    def domain(self) -> str: ...


SpfCheck = Callable[[Mail, Dns], SpfSaid]


class Authentication:
    """Who answers for a message. No part raises; each may wait for the DNS, within the budget of the message.

    *An aligned pass* is a pass of SPF or DKIM for a domain that belongs to the author's, as its DMARC record
    wants that, relaxed by default. A message without exactly one author has none, whatever was signed
    (RFC 6376, section 8.15).
    """

    def __init__(self, mail: Mail | None = None, dns: Dns | None = None, spf: SpfCheck | None = None) -> None:
        self._mail = mail or Mail(Message(b""))
        self._dns = dns or NoDns()
        self._spf = spf
        self._now = self._mail.now.timestamp()

    @once
    def _message(self) -> SignedMessage:
        return SignedMessage(self._mail.message)

    @once
    def _signatures(self) -> tuple[Signature | Dkim, ...]:
        return tuple(dkim.signatures(self._message, self._now))

    @once
    def _chain(self) -> arc.Chain | Unverified:
        try:
            return arc.Chain(self._message, self._now)
        except Unverified as why:
            return why

    @once
    def author_domain(self) -> str:
        """The domain of the one author, normalised; empty where there is none, or several."""
        message = self._mail.message
        if len(message.fields("from")) != 1 or len(message.authors) != 1:
            return ""
        return domain_of(message.authors[0].address)

    @once
    def spf(self) -> SpfSaid | None:
        """What SPF says of the envelope sender; None where it was not asked: the peer or the sender is not known."""
        if self._spf is None or self._mail.peer is None or not self._mail.sender_known:
            return None
        check = self._spf
        return self._safe(lambda: check(self._mail, self._dns), None)

    @once
    def dkim(self) -> tuple[Dkim, ...]:
        """What is to be said of each signature, from the top."""
        return self._safe(lambda: dkim.check(self._message, self._signatures, self._dns), (Dkim(Result.TEMPERROR),))

    @once
    def arc(self) -> Arc:
        return self._safe(lambda: arc.check(self._message, self._chain, self._dns), Arc(Result.TEMPERROR))

    @once
    def iprev(self) -> Iprev:
        peer = self._mail.peer
        if peer is None:
            return Iprev(Result.NONE)
        if self._mail.rdns:
            return Iprev(Result.PASS)
        return self._safe(lambda: iprev.check(peer, self._dns), Iprev(Result.TEMPERROR))

    @once
    def dmarc(self) -> Dmarc:
        return self._safe(self._find_dmarc, Dmarc(Result.TEMPERROR, self.author_domain))

    def _find_dmarc(self) -> Dmarc:
        domain = self.author_domain
        if not domain:
            return Dmarc(Result.PERMERROR if self._mail.message.fields("from") else Result.NONE, reason="no one author")
        try:
            record = dmarc.find(domain, self._dns)
        except Unverified as why:
            return Dmarc(why.result, domain, reason=why.reason)
        if record is None:
            return Dmarc(Result.NONE, domain)
        by = self._aligned_by(domain, record.dkim_strict, record.spf_strict)
        result, reason = (Result.PASS, "") if by else self._why_not(domain, record)
        return Dmarc(result, domain, record.policy, record.dkim_strict, record.spf_strict, by, reason)

    def _why_not(self, domain: str, record: Record) -> tuple[Result, str]:
        """Nothing passes. That is a failure only where nothing could have passed."""
        if self.spf is None:
            return Result.TEMPERROR, "SPF is not known"
        if self.spf.result == "temperror" and aligned(self.spf.domain, domain, record.spf_strict):
            return Result.TEMPERROR, "SPF is not known now"
        if any(one.result is Result.TEMPERROR and aligned(one.domain, domain, record.dkim_strict) for one in self.dkim):
            return Result.TEMPERROR, "DKIM is not known now"
        return Result.FAIL, ""

    def _aligned_by(self, domain: str, dkim_strict: bool = False, spf_strict: bool = False) -> str:
        """Name what passes in alignment with a domain; empty where nothing does."""
        found = self._dkim_for(domain, dkim_strict)
        if found:
            return f"DKIM of {found}"
        return f"SPF of {self.spf.domain}" if self.spf and self._spf_for(domain, spf_strict) else ""

    def _dkim_for(self, domain: str, strict: bool) -> str:
        passed = (one.domain for one in self.dkim if one.result is Result.PASS)
        return next((signer for signer in passed if aligned(signer, domain, strict)), "")

    def _spf_for(self, domain: str, strict: bool) -> bool:
        return self.spf is not None and self.spf.result == "pass" and aligned(self.spf.domain, domain, strict)

    def aligned(self, domain: str) -> bool:
        """Whether SPF or DKIM passes in relaxed alignment with a domain."""
        return bool(self._aligned_by(domain))

    @property
    def dkim_aligned(self) -> bool:
        """Whether a DKIM signature passes in alignment with the author's domain."""
        return bool(self._dkim_for(self.author_domain, self.dmarc.dkim_strict))

    @property
    def spf_aligned(self) -> bool:
        """Whether SPF passes in alignment with the author's domain."""
        return self._spf_for(self.author_domain, self.dmarc.spf_strict)

    @property
    def aligned_pass(self) -> bool:
        """Whether there is an aligned pass."""
        return self.dkim_aligned or self.spf_aligned

    @property
    def spf_fails(self) -> bool:
        """Whether the envelope sender's domain forbids this peer."""
        return self.spf is not None and self.spf.result == "fail"

    def questions(self) -> Iterator[Question]:
        """Yield what it is going to ask the DNS, to be sent ahead; SPF's own are not among them. Never raises."""
        found: list[Question] = []
        return iter(self._safe(lambda: [*self._questions()], found))

    def _questions(self) -> Iterator[Question]:
        for one in self._signatures:
            if isinstance(one, Signature):
                yield one.signer.question
        if not isinstance(self._chain, Unverified):
            yield from islice(self._chain.questions(), limits.DKIM_SIGNATURES)
        if self.author_domain:
            yield from dmarc.questions(self.author_domain)
        if self._mail.peer is not None and not self._mail.rdns:
            yield iprev.question(self._mail.peer)

    def _safe(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            return work()
        except Exception:  # Whatever a stranger has sent, the message must not be lost to it.
            _log.exception("a message cannot be authenticated", extra={"fields": {"id": self._mail.id}})
            return otherwise
