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

A proved author whose bulk mail of earlier days drew no complaint only scores as well. It is known by its whole
address, since a mail host is many senders; a complaint of anybody at its organisation speaks against it. The days on
which it had such a number of recipients are counted as recipients are, so that no address stands in Redis.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta

from tamis import limits
from tamis.authentication import Authentication, Result
from tamis.authentication.domains import organisational
from tamis.complaints import REMEMBERED_DAYS
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.counters import Count
from tamis.mail import Mail

AMOUNT: Final = 1.0
_REMEMBERED: Final = timedelta(days=REMEMBERED_DAYS)
_LIST_FIELDS: Final = ("List-Id", "List-Unsubscribe")


class MailChecksum(Filter):
    name = "mail-checksum"
    stage = Stage.MESSAGE
    scores = True
    tests = {"MAIL_CHECKSUM": "the same message went to dozens of recipients at the same moment"}

    class Options(FilterOptions, frozen=True):
        recipients: Annotated[int, Meta(ge=2, le=limits.COUNTED_MEMBERS)] = 30
        minutes: Annotated[int, Meta(ge=1, le=60)] = 10
        quiet_days: Annotated[int, Meta(ge=0, le=REMEMBERED_DAYS - 1)] = 7

    def counts(self, mail: Mail, options: Options) -> Iterator[Count]:
        digest = None if mail.message.capped else mail.message.content_digest
        if digest is not None:
            yield Count(b"mail-checksum" + digest, tuple(mail.recipients), 60 * options.minutes)

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if mail.message.capped:
            raise Abstain("a cap kept a part of the message from being compared")
        options = ctx.options
        asked = next(self.counts(mail, options), None)
        if asked is None:
            raise Abstain("no text and no attachment to compare")
        count = ctx.counters and ctx.counters.count(asked.name, asked.members, ctx.now, asked.seconds)
        if count is None:
            raise Abstain("recipients cannot be counted: there is no Redis, or it does not answer")
        if count < options.recipients:
            return
        because = f"the same message to {count} recipients within {options.minutes} min"
        excuse = _sent_by_a_list(mail, ctx.authentication) or _quiet_so_far(mail, ctx)
        if excuse:
            because += f", with {excuse}"
        yield Hit("MAIL_CHECKSUM", because, decides=not excuse, amount=AMOUNT)


def _sent_by_a_list(mail: Mail, said: Authentication) -> str:
    listed = next((name for name in _LIST_FIELDS if mail.message.fields(name)), "")
    if listed and said.dkim_aligned:
        return f"{listed}: and a DKIM signature of {said.author_domain}"
    if listed and any(one.result is Result.TEMPERROR for one in said.dkim):
        return f"{listed}: and a DKIM signature that cannot be verified now"
    return ""


def _quiet_so_far(mail: Mail, ctx: Context) -> str:
    """Note that a proved author has bulk mail today, and say on how many days it had before, if nobody complained."""
    said, quiet = ctx.authentication, timedelta(days=ctx.options.quiet_days)
    if not quiet or ctx.counters is None or ctx.weights is None or not said.aligned_pass:
        return ""
    author = mail.message.authors[0].address
    name = b"bulk mail of " + author.encode("utf-8", "surrogatepass")
    days = ctx.counters.count(name, [ctx.now.date().isoformat()], ctx.now, _REMEMBERED.total_seconds())
    recent = ctx.counters.count(name, [], ctx.now, quiet.total_seconds())
    earlier = (days or 0) - (recent or 0)
    organisation = organisational(said.author_domain)
    if recent is None or earlier <= 0 or ctx.weights.complained_of(organisation, ctx.now - _REMEMBERED):
        return ""
    return f"no complaint of {author}, proved by SPF or DKIM, who had such mail on {earlier} earlier days"
