"""Row 19: does a keyword rule match?

Why it works: most unsolicited mail sells one of some dozen things, or plays one of some dozen tricks, and cannot do so
without saying it. The rules (`tamis.rules`, docs/rules.md) look at folded text, so that disguised words are the same
words. One that is precise enough decides; another adds its points to the score. SPEC, section 1, row 19.
"""

from collections.abc import Iterator

from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.rules.rule import Use
from tamis.rules.shipped import tests_of


class Keywords(Filter):
    name = "keywords"
    stage = Stage.MESSAGE
    scores = True
    uses_rules = True
    tests = tests_of(Use.KEYWORD)

    class Options(FilterOptions, frozen=True):
        without: tuple[str, ...] = ()

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if ctx.rules is None:
            raise Abstain("no rules")
        found = [match for match in ctx.rules.found(Use.KEYWORD) if match.name not in ctx.options.without]
        if not found and ctx.rules.capped:
            raise Abstain("a cap kept some of the message from being looked at")
        for match in found:
            yield Hit(match.test, match.because, decides=match.rule.decides, amount=match.rule.score)
