"""Row 16: do half of the DNS lists name the peer or the sender's domain?

Why it works: a host that sends spam is seen by many, and some of them publish what they see (RFC 5782). One list may
err; half of those that answer hardly do. SPEC, section 1, row 16.

Which lists there are is configured once for the site (`[dnslists]`); none is by default. Lists of addresses and of
domains vote apart. A list that does not answer, refuses, or fails its own test has no vote.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final

import msgspec

from tamis import limits
from tamis.authentication.domains import organisational
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.dns import Question
from tamis.dns_lists import of_kind
from tamis.dns_votes import Tally, questions, vote
from tamis.mail import IPAddress, Mail
from tamis.networks import parse_received
from tamis.private_space import is_private
from tamis.site import Site

SOME_POINTS: Final = 1.0
"""What it adds to the score that fewer lists name it than decide."""


class MapsRbl(Filter):
    name = "maps-rbl"
    stage = Stage.CONNECTION
    scores = True
    needs_peer = True
    tests = {
        "RBL_PEER": "enough DNS lists name the peer",
        "RBL_DOMAIN": "enough DNS lists name the envelope sender's domain",
        "RBL_HOP": "enough DNS lists name a host that the message came through before",
        "RBL_SOME": "a DNS list names the peer, the sender's domain or a hop, but fewer do than decide",
    }

    class Options(FilterOptions, frozen=True):
        share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
        answers: Annotated[int, msgspec.Meta(ge=1, le=20)] = 2
        received_hops: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0

    def site_queries(self, site: Site, mail: Mail, options: Options) -> Iterable[Question]:
        yield from questions(of_kind(site.dns_lists, "ip"), [*_peers(mail), *_hops(mail, options.received_hops)])
        yield from questions(of_kind(site.dns_lists, "domain"), _domains(mail))

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        by_ip, by_domain = of_kind(ctx.site.dns_lists, "ip"), of_kind(ctx.site.dns_lists, "domain")
        # All questions are on their way already, if only since this one asks for them all.
        ctx.dns.ask(list(self.site_queries(ctx.site, mail, ctx.options)))
        tallies = [
            *(("RBL_PEER", tally) for tally in vote(ctx.dns, by_ip, _peers(mail))),
            *(("RBL_DOMAIN", tally) for tally in vote(ctx.dns, by_domain, _domains(mail))),
            *(("RBL_HOP", tally) for tally in vote(ctx.dns, by_ip, _hops(mail, ctx.options.received_hops))),
        ]
        found = list(_hits(tallies, ctx.options))
        if not tallies and any(one.kind != "url" for one in ctx.site.mute_lists):
            raise Abstain("no list has a vote: none has passed its test")
        undecided = [tally for _, tally in tallies if tally.undecided(ctx.options.answers)]
        if undecided and not found:
            first = undecided[0]
            raise Abstain(f"only {first.answered} of {first.asked} lists answered about {first.subject}")
        yield from found


def _hits(tallies: Sequence[tuple[str, Tally]], options: MapsRbl.Options) -> Iterator[Hit]:
    for name, tally in tallies:
        if tally.decides(options.share, options.answers):
            yield Hit(name, str(tally), decides=True, amount=0.0)
    some = next((tally for _, tally in tallies if tally.listing), None)
    if some is not None and not any(tally.decides(options.share, options.answers) for _, tally in tallies):
        yield Hit("RBL_SOME", str(some), amount=SOME_POINTS)


def _peers(mail: Mail) -> list[IPAddress]:
    return [] if mail.peer is None or is_private(mail.peer) else [mail.peer]


def _domains(mail: Mail) -> list[str]:
    domain = mail.sender_domain
    return [organisational(domain)] if domain and not domain.startswith("[") else []


def _hops(mail: Mail, count: int) -> list[IPAddress]:
    """Return the public addresses of the next hops behind the peer, by the Received: fields; a stranger wrote them."""
    if not count:
        return []
    fields = mail.message.fields("received")[: limits.RECEIVED_FIELDS]
    hops = (parse_received(field.text) for field in fields)
    found = dict.fromkeys(hop[0] for hop in hops if hop is not None and not is_private(hop[0]))
    return [ip for ip in found if ip != mail.peer][:count]
