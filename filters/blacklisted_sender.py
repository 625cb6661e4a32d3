"""Row 9: is the envelope sender, as an address or by its domain, on a blacklist?

Why it works: senders that a person has refused keep writing from the same address or domain.
The null sender is never matched. SPEC, section 1, row 9.
"""

from collections.abc import Iterator

from tamis.contract import Context, Filter, Hit, Stage
from tamis.lists import ListName
from tamis.mail import Mail


class BlacklistedSender(Filter):
    name = "blacklisted-sender"
    stage = Stage.SENDER
    tests = {"BL_SENDER": "the envelope sender is on a blacklist"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        for owner in ctx.list_owners(ListName.BLACKLIST_SENDER):
            entry = ctx.lists.match_address(ListName.BLACKLIST_SENDER, owner.name, mail.sender, ctx.now)
            if entry:
                yield Hit("BL_SENDER", f"envelope sender matches {entry}", True, owner.domain, owner.recipient)
