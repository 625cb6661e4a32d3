"""SPF: does a domain allow this peer to send mail for it (RFC 7208)? Asked of the envelope sender's domain.

The domain is that of MAIL FROM, or for the null sender the HELO name (section 2.4). pyspf reads the records; the
questions go through the DNS engine, within the budget of the message (`tamis.spf_query`).
"""

import enum
import re
from typing import Final

import msgspec

from tamis import limits
from tamis.addresses import domain_of, normalise_domain
from tamis.dns import Question
from tamis.dns.lookups import Dns
from tamis.mail import IPAddress, Mail

_UNPRINTABLE: Final = re.compile(r"[^ -~]+")


class SpfResult(enum.StrEnum):
    """What a check says, in the words of RFC 7208, section 2.6."""

    NONE = "none"
    """There is no domain that could be asked, or it has no record."""
    NEUTRAL = "neutral"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    """The DNS did not answer, so nothing is known."""
    PERMERROR = "permerror"
    """The domain's records cannot be read, or ask for more than they may."""


class Identity(enum.StrEnum):
    """Whose domain was checked."""

    MAILFROM = "mailfrom"
    HELO = "helo"


class Spf(msgspec.Struct, frozen=True):
    """The result of a check of `domain`, which is normalised and empty where there is none.

    `mechanism` is the term that matched, as it stands in the domain's own record; `explanation` what the domain says
    of a fail (section 6.2), one line of printable ASCII; `problem` what an error consists in. All three are empty
    where there is nothing of the kind; the first and the last may quote the wire.
    """

    result: SpfResult
    domain: str
    identity: Identity
    mechanism: str = ""
    explanation: str = ""
    problem: str = ""


def identity_of(mail_from: str, helo: str) -> tuple[Identity, str]:
    """Return which identity is checked for an envelope sender without angle brackets, and its domain."""
    if mail_from:
        return Identity.MAILFROM, domain_of(mail_from)
    return Identity.HELO, normalise_domain(helo)


def record_question(mail_from: str, helo: str) -> Question | None:
    """Return what a check asks the DNS first, None where it asks nothing: the name is no domain (section 4.3)."""
    domain = identity_of(mail_from, helo)[1]
    question = Question(domain, "TXT") if "." in domain and not domain.startswith("[") else None
    return question if question is not None and question.wire is not None else None


def spf_of(mail: Mail, dns: Dns) -> Spf:
    """Return what SPF says of a mail whose peer and sender are known."""
    assert mail.peer is not None
    return check_spf(dns, mail.peer, mail.mail_from, mail.helo)


def check_spf(dns: Dns, peer: IPAddress, mail_from: str, helo: str) -> Spf:
    """Return what SPF says of a peer, whatever sender, HELO name and the DNS say.

    `mail_from` is the envelope sender as it was said, without angle brackets. How long it may take and what it may
    ask is bounded by `dns`, besides RFC 7208's limits; what `dns` cannot answer for now is a temperror.
    """
    from tamis.spf_query import SpfQuery  # pyspf takes its time to load, and not every command asks it.

    identity, domain = identity_of(mail_from, helo)
    if record_question(mail_from, helo) is None:
        return Spf(SpfResult.NONE, domain, identity)
    local = mail_from.rpartition("@")[0] or "postmaster"
    asked = mail_from.rpartition("@")[2] if mail_from else helo
    query = SpfQuery(dns, peer, local, asked.removesuffix(".") if asked.isascii() else domain, helo)
    result = SpfResult(query.check()[0])
    if query.reverse_failed and result in (SpfResult.FAIL, SpfResult.SOFTFAIL):
        # For RFC 7208, section 5.5, nothing has matched; but no failure of the DNS may decide (SPEC, row 5).
        result, query.prob = SpfResult.TEMPERROR, "the names of the peer could not be looked up"
    failed = result in (SpfResult.TEMPERROR, SpfResult.PERMERROR)
    return Spf(
        result,
        domain,
        identity,
        mechanism="" if failed else query.mechanism or "",
        explanation=sanitise(query.explain()) if result is SpfResult.FAIL else "",
        problem=query.prob if failed else "",
    )


def sanitise(explanation: str) -> str:
    """Return a text of a stranger as one short line of printable ASCII."""
    return _UNPRINTABLE.sub(" ", explanation).strip()[: limits.SPF_EXPLANATION_CHARS]
