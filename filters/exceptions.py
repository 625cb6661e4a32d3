"""Row 18: does one of the operator's exceptions match?

Why it works: only the operator knows which words of honest mail look like spam's here. What an exception lets through
skips rows 19 to 31, but not those that look for malware. None is shipped: they are the operator's own, in the rule
files that `[rules]` names, with `use = "exception"`. SPEC, section 1, row 18.
"""

from collections.abc import Iterator

from tamis.contract import Abstain, Context, Filter, Hit, Stage
from tamis.mail import Mail
from tamis.rules.rule import Use


class Exceptions(Filter):
    name = "exceptions"
    stage = Stage.MESSAGE
    uses_rules = True
    tests = {"RULE_EXCEPTION": "a rule of the operator's says that such mail passes"}

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if ctx.rules is None:
            raise Abstain("no rules")
        for match in ctx.rules.found(Use.EXCEPTION)[:1]:
            yield Hit("RULE_EXCEPTION", match.because, decides=True, let_through="Keyword Exception")
