"""Row 27: how likely is the whole message spam, by what was learned from others?

Why it works: spam and ham differ in thousands of small ways, and naive Bayes adds them up (Graham,
"A Plan for Spam"; Metsis et al., CEAS 2006). The hit carries the token evidence in score points; the
judgement of the row is the engine's, on the whole score. Beside it are the named tests of the whole message
(`tamis.traits`), each with the weight learned for it. SPEC, section 1, row 27, and section 2.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated

from msgspec import Meta

from tamis import traits
from tamis.addresses import domain_of
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.models.features import features
from tamis.traits import weights


class Bayes(Filter):
    name = "bayes"
    stage = Stage.MESSAGE
    scores = True
    uses_model = True
    version = weights.version()
    tests = {
        "BAYES": "token evidence of the naive-Bayes model",
        "BAYES_DOMAIN": "what the recipient's domain has learned changes of it",
        traits.OTHERS: "what the named tests add up to that are not printed one by one",
        **traits.MEANINGS,
    }

    class Options(FilterOptions, frozen=True):
        adaptation: Annotated[float, Meta(ge=0, le=15)] = 3.0

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if ctx.model is None:
            raise Abstain("no model")
        indices = features(mail.message)
        amount = ctx.model.score(indices)
        yield Hit("BAYES", f"token evidence {amount:.3f}", amount=amount)
        for domain in ctx.model.adapted(map(domain_of, ctx.recipients)):
            change, most = ctx.model.for_domain(domain).score(indices) - amount, ctx.options.adaptation
            if most:
                bounded = min(max(change, -most), most)
                yield Hit("BAYES_DOMAIN", f"as {domain} has learned", domain=domain, amount=bounded)
        # What each means stands in `tests`: answers are kept in Redis, and most messages hit some sixty.
        for test in traits.weighed(mail.message):
            yield _hit(test)


@cache
def _hit(test: tuple[str, float]) -> Hit:
    """Return the hit of a named test: there are as many as tests, and most messages hit some sixty."""
    return Hit(test[0], "", amount=test[1])
