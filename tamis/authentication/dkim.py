"""The DKIM signatures of a message (RFC 6376, RFC 8301, RFC 8463)."""

from collections.abc import Iterator, Sequence

from tamis import limits
from tamis.authentication import signature
from tamis.authentication.results import Dkim, Result, Unverified
from tamis.authentication.signature import Signature
from tamis.authentication.signed import SignedMessage
from tamis.dns import Answer
from tamis.dns.lookups import Dns

_FIELD = b"dkim-signature"


def signatures(message: SignedMessage, now: float) -> Iterator[Signature | Dkim]:
    """Yield the signatures from the top, `limits.DKIM_SIGNATURES` at most; what is said of one that cannot be read."""
    for number in message.numbers(_FIELD)[: limits.DKIM_SIGNATURES]:
        tags: dict[str, str] = {}
        try:
            tags = signature.tags_of(message.fields[number].value)
            if tags.get("v") != "1":
                raise Unverified(Result.NEUTRAL, "the signature is of an unknown version")
            if tags.get("q", "dns/txt").lower() != "dns/txt":
                raise Unverified(Result.NEUTRAL, "the key is not in the DNS")
            found = signature.read(tags, number, now)
            if b"from" not in found.names:
                raise Unverified(Result.PERMERROR, "From: is not signed")
            if found.identity != found.signer.domain and not found.identity.endswith("." + found.signer.domain):
                raise Unverified(Result.PERMERROR, "i= is not within d=")
            yield found
        except Unverified as why:
            yield Dkim(why.result, tags.get("d", ""), tags.get("s", ""), tags.get("a", ""), why.reason)


def check(message: SignedMessage, found: Sequence[Signature | Dkim], dns: Dns) -> tuple[Dkim, ...]:
    """Return what is to be said of each signature that `signatures` has found."""
    asked = [one.signer.question for one in found if isinstance(one, Signature)]
    answers = iter(dns.ask(asked) if asked else ())
    return tuple(_said(message, one, next(answers)) if isinstance(one, Signature) else one for one in found)


def _said(message: SignedMessage, one: Signature, answer: Answer) -> Dkim:
    signer = one.signer
    try:
        signature.verify(message, one, answer)
    except Unverified as why:
        return Dkim(why.result, signer.domain, signer.selector, signer.algorithm, why.reason)
    return Dkim(Result.PASS, signer.domain, signer.selector, signer.algorithm)
