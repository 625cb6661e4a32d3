"""Row 4: is the peer on the domain's or the platform's whitelist?

Why it works: the address of the peer is the one thing in a message that its sender cannot forge
(TCP), so a listed one may be let through whatever else is said. SPEC, section 1, row 4.
"""

from collections.abc import Iterator

from tamis.contract import Context, Filter, Hit, Stage
from tamis.lists import ListName
from tamis.mail import Mail


class WhitelistedIP(Filter):
    name = "whitelisted-ip"
    stage = Stage.CONNECTION
    needs_peer = True
    tests = {"WL_IP": "the peer is on a whitelist"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        assert mail.peer is not None
        for owner in ctx.list_owners(ListName.WHITELIST_IP):
            entry = ctx.lists.match_ip(ListName.WHITELIST_IP, owner.name, mail.peer, ctx.now)
            if entry:
                because, whom = f"peer matches {entry}", (owner.domain, owner.recipient)
                yield Hit("WL_IP", because, True, *whom, let_through="Whitelisted Peer IP")
