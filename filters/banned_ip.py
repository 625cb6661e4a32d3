"""Row 2: is the peer banned for the moment?

Why it works: who sends malware or spam in bulk goes on for a while, from the same address, and an address changes
its user sooner or later. So a ban is short, and says "try again later" (RFC 5321, section 4.2.1: 4yz): mail of an
innocent user of that address comes late and is not lost. SPEC, section 1, row 2.

Bans are made by hand (`tamis list ban`, `ban_ip` in the configuration).
"""

from collections.abc import Iterator

from tamis.contract import Context, Filter, Hit, Stage
from tamis.lists import ListName
from tamis.mail import Mail


class BannedIP(Filter):
    name = "banned-ip"
    stage = Stage.RECIPIENT
    needs_peer = True
    tests = {"BANNED_IP": "the peer is banned for the moment"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        assert mail.peer is not None
        for domain in ctx.list_domains():
            entry = ctx.lists.match_ip(ListName.BAN_IP, domain, mail.peer, ctx.now)
            if entry:
                yield Hit("BANNED_IP", f"peer matches {entry}", True, domain)
