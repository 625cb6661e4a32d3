"""Row 12: is the envelope sender the recipient?

Why it works: spammers forge the victim's own address, since people whitelist themselves and their
domain; real mail to oneself leaves from one's own server and is authenticated, hence never inbound. What
a service sends in one's own name, and may, passes: SPF or DKIM of the author's domain, which must be the
recipient's. SPEC, section 1, row 12.
"""

from collections.abc import Iterator

from tamis.authentication.domains import aligned
from tamis.contract import Context, Filter, Hit, Stage
from tamis.mail import Mail


class SameSenderRecipient(Filter):
    name = "same-sender-recipient"
    stage = Stage.MESSAGE
    tests = {"SAME_SENDER_RCPT": "the envelope sender is the recipient"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if not mail.sender or mail.sender not in ctx.recipients:
            return
        said = ctx.authentication
        if not (said.aligned_pass and aligned(said.author_domain, mail.sender_domain)):
            because = f"the envelope sender {mail.sender} is the recipient"
            yield Hit("SAME_SENDER_RCPT", because, True, recipient=mail.sender)
