"""Row 6: is the envelope sender whitelisted, or (by option) the author?

Why it works: people write to each other again and again from the same addresses. The author is what
a reader sees, so many list it; it is also what anybody can write into a message, hence only a single,
unambiguous From: counts, and the header says by its own words that the author was matched.
SPEC, section 1, row 6, and section 3, "apply the whitelist to the author".
"""

from collections.abc import Iterator

from tamis.contract import Context, Filter, FilterOptions, Hit, Stage
from tamis.lists import ListName
from tamis.mail import Mail


class WhitelistedSender(Filter):
    name = "whitelisted-sender"
    stage = Stage.MESSAGE
    tests = {
        "WL_SENDER": "the envelope sender is on a whitelist",
        "WL_AUTHOR": "the author (From:) is on a whitelist",
    }

    class Options(FilterOptions, frozen=True):
        author: bool = True

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        authors = mail.message.authors if ctx.options.author else []
        author = authors[0].address if len(authors) == 1 and len(mail.message.fields("from")) == 1 else ""
        domains = ctx.list_domains()
        for domain in domains:
            entry = ctx.lists.match_address(ListName.WHITELIST_SENDER, domain, mail.sender, ctx.now)
            if entry:
                because = f"envelope sender matches {entry}"
                yield Hit("WL_SENDER", because, True, domain, let_through="Whitelisted EMail Address")
        for domain in domains:
            entry = ctx.lists.match_address(ListName.WHITELIST_SENDER, domain, author, ctx.now)
            if entry:
                because = f"author matches {entry}"
                yield Hit("WL_AUTHOR", because, True, domain, let_through="Whitelisted EMail Address From (NRP)")
