"""Row 6: is the envelope sender whitelisted, or (by option) the author?

Why it works: people write to each other again and again from the same addresses. The author is what
a reader sees, so many list it; it is also what anybody can write into a message, hence only a single,
unambiguous From: counts, and the header says by its own words that the author was matched. Spammers write
such addresses, too: no entry applies while SPF of the envelope sender fails, or DMARC of the author's domain
fails under a policy of quarantine or reject. An entry that the sender itself made, on the page of a notice, applies
with an aligned pass for its own domain alone. SPEC, section 1, row 6, and section 3, "apply the whitelist to
the author".
"""

from collections.abc import Iterator

from tamis.addresses import domain_of
from tamis.authentication import Authentication
from tamis.contract import Context, Filter, FilterOptions, Hit, Stage
from tamis.lists import ListName
from tamis.mail import Mail


class WhitelistedSender(Filter):
    name = "whitelisted-sender"
    stage = Stage.MESSAGE
    tests = {
        "WL_SENDER": "the envelope sender is on a whitelist",
        "WL_AUTHOR": "the author (From:) is on a whitelist",
        "WL_UNAUTHENTIC": "a whitelist names the sender or author, and does not apply: who sent it is not proved",
    }

    class Options(FilterOptions, frozen=True):
        author: bool = True

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        authors = mail.message.authors if ctx.options.author else []
        author = authors[0].address if len(authors) == 1 and len(mail.message.fields("from")) == 1 else ""
        for name, address, whose, words in (
            ("WL_SENDER", mail.sender, "envelope sender", "Whitelisted EMail Address"),
            ("WL_AUTHOR", author, "author", "Whitelisted EMail Address From (NRP)"),
        ):
            for owner in ctx.list_owners(ListName.WHITELIST_SENDER):
                entry = ctx.lists.match_address(ListName.WHITELIST_SENDER, owner.name, address, ctx.now)
                if not entry:
                    continue
                because = f"{whose} matches {entry}"
                against = _against(ctx.authentication)
                if not against and entry.by_captcha and not ctx.authentication.aligned(domain_of(address)):
                    against = "neither SPF nor DKIM proves the sender, who made the entry"
                if against:
                    because = f"{because}; but {against}"
                    yield Hit("WL_UNAUTHENTIC", because, domain=owner.domain, recipient=owner.recipient)
                else:
                    yield Hit(name, because, True, owner.domain, owner.recipient, let_through=words)


def _against(said: Authentication) -> str:
    """Return why no entry applies, empty where that is not so. What is not known is nothing against it."""
    if said.spf_fails:
        return "SPF fails"
    if said.dmarc.unwanted:
        return f"DMARC of {said.dmarc.domain} fails, which asks for {said.dmarc.policy}"
    return ""
