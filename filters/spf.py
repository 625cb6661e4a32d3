"""Row 5: does the envelope sender's domain forbid this peer?

Why it works: a domain says in the DNS which hosts send its mail (RFC 7208). Who forges a sender sends from elsewhere;
where the domain ends its record with "-all", it asks for such mail not to be believed. For the null sender the HELO
name is asked. SPEC, section 1, row 5.

A fail decides; a softfail only scores; what the DNS does not answer never decides. Mail that was forwarded comes from
a peer that the domain could not know. So a fail only scores where the peer is a forwarder of `networks.forwarders`,
where an aligned DKIM signature passes, or where an ARC chain passes that one of `sealers` sealed last; with `strict`
it decides all the same.
"""

from collections.abc import Iterator
from typing import Final

from tamis.authentication import Result
from tamis.authentication.domains import aligned
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.dns import Question
from tamis.mail import IPAddress, Mail
from tamis.networks import contains
from tamis.spf import Identity, Spf, SpfResult, record_question

FAIL_POINTS: Final = 1.0
SOFTFAIL_POINTS: Final = 0.5
"""What they add to the score: a nudge, not learned from mail. Forwarded ham draws both."""


class SPF(Filter):
    name = "spf"
    stage = Stage.SENDER
    needs_peer = True
    scores = True
    tests = {
        "SPF_PASS": "the sender's domain allows the peer",
        "SPF_NONE": "the sender's domain says nothing of who sends its mail",
        "SPF_NEUTRAL": "the sender's domain neither allows nor forbids the peer",
        "SPF_SOFTFAIL": "the sender's domain doubts that the peer may send its mail",
        "SPF_FAIL": "the sender's domain forbids the peer to send its mail",
        "SPF_TEMPERROR": "the DNS does not say now what the sender's domain allows",
        "SPF_PERMERROR": "what the sender's domain allows cannot be read",
    }

    class Options(FilterOptions, frozen=True):
        strict: bool = False
        sealers: tuple[str, ...] = ()

    def queries(self, mail: Mail, options: Options) -> Iterator[Question]:
        question = record_question(mail.mail_from, mail.helo) if mail.sender_known else None
        if question is not None:
            yield question

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if not mail.sender_known:
            raise Abstain("the envelope sender is not known")
        assert mail.peer is not None
        spf = ctx.authentication.spf
        if not isinstance(spf, Spf):
            raise Abstain("SPF could not be checked")
        because = _ground(spf, mail.peer)
        if spf.result is not SpfResult.FAIL:
            points = SOFTFAIL_POINTS if spf.result is SpfResult.SOFTFAIL else 0.0
            yield Hit(f"SPF_{spf.result.upper()}", because, amount=points)
            return
        excuse = "" if ctx.options.strict else _excuse(mail, ctx)
        yield Hit("SPF_FAIL", because + excuse, decides=not excuse, amount=FAIL_POINTS)


def _excuse(mail: Mail, ctx: Context) -> str:
    """Return why a fail may come of forwarding, empty where nothing says so."""
    if mail.peer is not None and contains(ctx.forwarders, mail.peer):
        return "; but the peer is a forwarder"
    known = ctx.authentication
    if known.dkim_aligned:
        return f"; but a DKIM signature for {known.author_domain} passes"
    # What the DNS keeps from view must not decide either.
    if any(one.result is Result.TEMPERROR and aligned(one.domain, known.author_domain) for one in known.dkim):
        return f"; but it is not known now whether a DKIM signature for {known.author_domain} passes"
    if not ctx.options.sealers:
        return ""
    if known.arc.result is Result.TEMPERROR:
        return "; but it is not known now whether the ARC chain passes"
    if known.arc.sealers and known.arc.sealers[-1] in ctx.options.sealers:
        return f"; but the ARC chain sealed by {known.arc.sealers[-1]} passes"
    return ""


_SAYS: Final = {
    SpfResult.PASS: "allows",
    SpfResult.NONE: "says nothing of",
    SpfResult.NEUTRAL: "neither allows nor forbids",
    SpfResult.SOFTFAIL: "doubts",
    SpfResult.FAIL: "forbids",
    SpfResult.TEMPERROR: "cannot be asked now about",
    SpfResult.PERMERROR: "has no readable record about",
}


def _ground(spf: Spf, peer: IPAddress) -> str:
    whose = "the HELO name " if spf.identity is Identity.HELO else ""
    details = spf.mechanism or spf.problem
    text = f"{whose}{spf.domain} {_SAYS[spf.result]} {peer}" + (f" ({details})" if details else "")
    return f"{text}, and says: {spf.explanation}" if spf.explanation else text
