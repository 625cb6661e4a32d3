"""Row 7: has the sender earned enough weight with the recipient's domain?

Why it works: who was let out of the quarantine, proved to be a person, or is written to from here is somebody that
people of the domain want to hear from; who was complained of is not (`tamis.sender_weights`). What was learned fades.
An address alone proves nothing, so a weight counts only with an aligned pass of SPF or DKIM, and where the envelope
sender is the one that earned it, with a pass for its own domain as well: else anybody could sign as himself and take
a trusted address for the envelope. The author counts as row 6 has it: people answer from the address they were
written to, their servers often send from another. SPEC, section 1, row 7, and section 3.

The original gives no words for the header; they are made as those of row 6.
"""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta

from tamis.addresses import domain_of
from tamis.authentication import Authentication, Result
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.sender_weights import MOST
from tamis.weights import points_of

_SENDER: Final = "Auto Whitelisted EMail Address"
_AUTHOR: Final = "Auto Whitelisted EMail Address From (NRP)"


class AutoWhitelistedSender(Filter):
    name = "auto-whitelisted-sender"
    stage = Stage.MESSAGE
    tests = {
        "AUTO_WL_SENDER": "the envelope sender has earned enough weight with the domain",
        "AUTO_WL_AUTHOR": "the author (From:) has earned enough weight with the domain",
        "AUTO_WL_UNAUTHENTIC": "the sender or author has earned enough weight, and nothing proves who sent the message",
    }

    class Options(FilterOptions, frozen=True):
        threshold: Annotated[float, Meta(gt=0, le=MOST)] = 0.5
        author: bool = True
        outgoing: bool = False
        """Whether those count to whom somebody of the domain writes; `tamis.sent_mail` goes by it."""

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if ctx.weights is None:
            raise Abstain("what was learned of senders has not been read yet")
        authors = mail.message.authors if ctx.options.author else []
        author = authors[0].address if len(authors) == 1 and len(mail.message.fields("from")) == 1 else ""
        for name, address, whose, words in (
            ("AUTO_WL_SENDER", mail.sender, "envelope sender", _SENDER),
            ("AUTO_WL_AUTHOR", author, "author", _AUTHOR),
        ):
            for domain in dict.fromkeys(map(domain_of, ctx.recipients)):
                points, why = points_of(ctx.weights, domain, address, ctx.now) if address else (0.0, "")
                if points < ctx.options.threshold:
                    continue
                because = f"{whose} {address} has earned {points:.2f} points with {domain}, by {why}"
                if _proved(ctx.authentication, domain_of(address)):
                    yield Hit(name, because, True, domain, let_through=words)
                elif _not_known(ctx.authentication):
                    raise Abstain(f"{because}; but who sent the message is not known now")
                else:
                    yield Hit("AUTO_WL_UNAUTHENTIC", f"{because}; but neither SPF nor DKIM proves it", domain=domain)


def _proved(said: Authentication, domain: str) -> bool:
    return said.aligned_pass and said.aligned(domain)


def _not_known(said: Authentication) -> bool:
    """Whether what the DNS does not answer now may be a pass."""
    results = {one.result for one in said.dkim} | {said.dmarc.result}
    return Result.TEMPERROR in results or (said.spf is not None and said.spf.result == "temperror")
