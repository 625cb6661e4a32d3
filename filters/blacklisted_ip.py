"""Row 8: is the peer on the domain's or the platform's blacklist?

Why it works: spam comes in series from one address, and the peer's address cannot be forged.
The other half of the row, the pair of peer and content flagged by hand, needs the holding of mail.
SPEC, section 1, row 8.
"""

from collections.abc import Iterator

from tamis.contract import Context, Filter, Hit, Stage
from tamis.lists import ListName
from tamis.mail import Mail


class BlacklistedIP(Filter):
    name = "blacklisted-ip"
    stage = Stage.CONNECTION
    needs_peer = True
    tests = {"BL_IP": "the peer is on a blacklist"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        assert mail.peer is not None
        for domain in ctx.list_domains():
            entry = ctx.lists.match_ip(ListName.BLACKLIST_IP, domain, mail.peer, ctx.now)
            if entry:
                yield Hit("BL_IP", f"peer matches {entry}", True, domain)
