"""Row 13: was a trap address written to?

Why it works: a trap belongs to nobody and was never given to anybody. It stands hidden in pages, where only
programs that harvest addresses find it, or it is the address of a mailbox that has been gone for years. The same
goes for a listener that no mail is told to come to (a decoy MX): all that it gets is unasked for.
SPEC, section 1, row 13.

What a trap gets is held in every mode but observe, and may be learned as spam where every recipient is one
(`tamis.record.Record.learn_as_spam`). Who hits traps in bulk is banned for a while (`tamis.consequences`).
"""

from collections.abc import Iterator

from tamis.addresses import domain_of
from tamis.contract import Context, Filter, FilterOptions, Hit, Stage
from tamis.lists import PLATFORM, ListName
from tamis.mail import Mail


class Honeypot(Filter):
    name = "honeypot"
    stage = Stage.RECIPIENT
    tests = {"TRAP": "the recipient is a trap, or the message came through a decoy listener"}

    class Options(FilterOptions, frozen=True):
        learn: bool = True

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if mail.listener in ctx.decoys:
            yield Hit("TRAP", f"the message came through the decoy listener {mail.listener}", True)
            return
        for recipient in dict.fromkeys(ctx.recipients):
            for domain in (PLATFORM, domain_of(recipient)):
                entry = ctx.lists.match_address(ListName.TRAP, domain, recipient, ctx.now)
                if entry:
                    yield Hit("TRAP", f"recipient matches {entry}", True, recipient=recipient)
                    break
