"""Row 27: how likely is the whole message spam, by what was learned from others?

Why it works: spam and ham differ in thousands of small ways, and naive Bayes adds them up (Graham,
"A Plan for Spam"; Metsis et al., CEAS 2006). The hit carries the token evidence in score points; the
judgement of the row is the engine's, on the whole score. SPEC, section 1, row 27, and section 2.
"""

from collections.abc import Iterator

from tamis.contract import Abstain, Context, Filter, Hit, Stage
from tamis.mail import Mail
from tamis.models.features import features


class Bayes(Filter):
    name = "bayes"
    stage = Stage.MESSAGE
    scores = True
    uses_model = True
    version = 2
    tests = {"BAYES": "token evidence of the naive-Bayes model"}

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if ctx.model is None:
            raise Abstain("no model")
        amount = ctx.model.score(features(mail.message))
        yield Hit("BAYES", f"token evidence {amount:.3f}", amount=amount)
