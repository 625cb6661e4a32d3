"""Row 28: does SpamAssassin take it for spam?

Why it works: it has rules of many years, lists and networks of its own, and judges by other evidence than ours.

It decides where spamd says so, by its own threshold or by `threshold`. Its score adds nothing to ours: both go by much
of the same evidence, which would count twice. With a `weight` it does. SPEC, section 1, row 28.
"""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta

from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.scanners.endpoint import TooLarge, Unanswered
from tamis.site import Site

SPAMASSASSIN: Final = "SPAMASSASSIN"


class SpamAssassin(Filter):
    name = "spamassassin"
    stage = Stage.MESSAGE
    scores = True
    tests = {SPAMASSASSIN: "SpamAssassin has answered; the ground has its score and its tests"}

    class Options(FilterOptions, frozen=True):
        threshold: Annotated[float, Meta(ge=0, le=1000)] = 0.0
        weight: Annotated[float, Meta(ge=0, le=10)] = 0.0

    def scores_with(self, options: Options) -> bool:
        return bool(options.weight)

    def site_cache_key(self, site: Site, mail: Mail) -> bytes | None:
        return site.scanners.spamassassin.key(mail) if site.scanners and site.scanners.spamassassin else None

    def start(self, mail: Mail, ctx: Context) -> None:
        # Without a weight it is asked only where no row before it decides.
        if ctx.options.weight:
            ctx.scans.start_spamassassin()

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        options = ctx.options
        try:
            said = ctx.scans.spamassassin()
        except TooLarge:
            raise Abstain("larger than spamd.max_bytes", test="SIZE_CAPPED") from None
        except Unanswered as failure:
            raise Abstain(f"spamd does not answer: {failure}") from None
        if said is None:
            return
        spam = said.score >= options.threshold if options.threshold else said.spam
        own = f", ours is {options.threshold:g}" if options.threshold else ""
        yield Hit(SPAMASSASSIN, f"SpamAssassin says {said}{own}", decides=spam, amount=options.weight * said.score)
