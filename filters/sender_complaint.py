"""Row 7b: is the envelope sender, or its domain, on the complaint list?

Why it works: people complain of who sends fraud, to us and to official bodies that publish lists, long before every
domain has listed them. A person decides on complaints, or a feed that an administrator trusts (`tamis complaint`).
A whitelist of the recipient wins: the rows that let through come before. The null sender is never matched.
SPEC, section 1, row 7b.

It cannot be switched off on its own.
"""

from collections.abc import Iterator

from tamis.contract import Context, Filter, Hit, Stage
from tamis.lists import PLATFORM, ListName
from tamis.mail import Mail


class SenderComplaint(Filter):
    name = "sender-complaint"
    stage = Stage.SENDER
    tests = {"COMPLAINT_SENDER": "the envelope sender, or its domain, is on the complaint list"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        entry = ctx.lists.match_address(ListName.COMPLAINT_SENDER, PLATFORM, mail.sender, ctx.now)
        if entry:
            yield Hit("COMPLAINT_SENDER", f"envelope sender matches {entry}", True)
