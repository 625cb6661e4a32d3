"""Row 22: did dozens of recipients of the platform get the same message at the same moment?

Why it works: what all unsolicited mail has in common is its number. Each message gets a 160-bit digest
(`tamis.content_digest`), and the distinct recipients of that digest are counted over a sliding window, so that
a second try to deliver, or the same copy again to the same recipient, counts once. SPEC, section 1, row 22.

Every inbound message is counted, also one that an earlier row has decided or let through: a run whose first
copies were stopped by a list is the same run. Therefore the row is asked like the rows that score. All its
recipients count, whatever their own policies say: the number is the platform's.

The decision is for the copies from that number on; those before it have been delivered. A message with the
header of a mailing list (RFC 2919, RFC 2369) and a DKIM signature of the author's domain only scores:
newsletters go to many by their nature. Anybody can write that header, not that signature; where the DNS does not
say now whether it holds, nothing is decided. `AMOUNT` is small: of 4,694 list messages that are no spam, 28 have
7.5 points or more without it, and 39 with it (with 2.5 points, 56).
"""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta

from tamis import limits
from tamis.authentication import Authentication, Result
from tamis.content_digest import content_digest
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail

AMOUNT: Final = 1.0
_LIST_FIELDS: Final = ("List-Id", "List-Unsubscribe")


class MailChecksum(Filter):
    name = "mail-checksum"
    stage = Stage.MESSAGE
    scores = True
    tests = {"MAIL_CHECKSUM": "the same message went to dozens of recipients at the same moment"}

    class Options(FilterOptions, frozen=True):
        recipients: Annotated[int, Meta(ge=2, le=limits.COUNTED_MEMBERS)] = 30
        minutes: Annotated[int, Meta(ge=1, le=60)] = 10

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if mail.message.capped:
            raise Abstain("a cap kept a part of the message from being compared")
        digest = content_digest(mail.message)
        if digest is None:
            raise Abstain("no text and no attachment to compare")
        options = ctx.options
        count = ctx.counters and ctx.counters.count(
            b"mail-checksum" + digest, mail.recipients, ctx.now, 60 * options.minutes
        )
        if count is None:
            raise Abstain("recipients cannot be counted: there is no Redis, or it does not answer")
        if count < options.recipients:
            return
        because = f"the same message to {count} recipients within {options.minutes} min"
        listed = next((name for name in _LIST_FIELDS if mail.message.fields(name)), "")
        excuse = _excuse(ctx.authentication) if listed else ""
        if excuse:
            because += f", with {listed}: and {excuse}"
        yield Hit("MAIL_CHECKSUM", because, decides=not excuse, amount=AMOUNT)


def _excuse(said: Authentication) -> str:
    if said.dkim_aligned:
        return f"a DKIM signature of {said.author_domain}"
    if any(one.result is Result.TEMPERROR for one in said.dkim):
        return "a DKIM signature that cannot be verified now"
    return ""
