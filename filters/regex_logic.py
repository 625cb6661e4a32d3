"""Row 20: does a boolean expression over the rules hold?

Why it works: what each alone is in honest mail, together is not: a parcel, a fee, and a link that is not the carrier's.
Expressions (`and`, `or`, `not`, "2 of (...)") combine keywords and parts that decide nothing alone (`tamis.rules`,
docs/rules.md). SPEC, section 1, row 20.
"""

from collections.abc import Iterator

from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.rules.rule import Use
from tamis.rules.shipped import tests_of


class RegexLogic(Filter):
    name = "regex-logic"
    stage = Stage.MESSAGE
    scores = True
    uses_rules = True
    tests = tests_of(Use.LOGIC)

    class Options(FilterOptions, frozen=True):
        without: tuple[str, ...] = ()

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if ctx.rules is None:
            raise Abstain("no rules")
        # What a cap hid might be what an expression excludes.
        if ctx.rules.capped:
            raise Abstain("a cap kept some of the message from being looked at")
        for match in ctx.rules.found(Use.LOGIC):
            if match.name not in ctx.options.without:
                yield Hit(match.test, match.because, decides=match.rule.decides, amount=match.rule.score)
