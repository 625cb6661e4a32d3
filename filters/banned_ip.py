"""Row 2: is the peer banned for the moment?

Why it works: who sends malware or spam in bulk goes on for a while, from the same address, and an address changes
its user sooner or later. So a ban is short, and says "try again later" (RFC 5321, section 4.2.1: 4yz): mail of an
innocent user of that address comes late and is not lost. SPEC, section 1, row 2.

Bans are made by hand (`tamis list ban`, `ban_ip` in the configuration), and automatically (`tamis.consequences`). An
automatic one does not hold for those whose whitelist has the peer (row 4); one that a person made does.
"""

from collections.abc import Iterator

from tamis.addresses import domain_of
from tamis.contract import Context, Filter, Hit, Stage
from tamis.lists import PLATFORM, ListName
from tamis.mail import Mail


class BannedIP(Filter):
    name = "banned-ip"
    stage = Stage.RECIPIENT
    needs_peer = True
    tests = {"BANNED_IP": "the peer is banned for the moment"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        assert mail.peer is not None
        for owner in ctx.list_owners(ListName.BAN_IP):
            entry = ctx.lists.match_ip(ListName.BAN_IP, owner.name, mail.peer, ctx.now)
            if entry:
                yield Hit("BANNED_IP", f"peer matches {entry}", True, owner.domain, owner.recipient)
        for recipient in dict.fromkeys(ctx.recipients) if ctx.bans else ():
            because = _automatic(mail, ctx, recipient)
            if because:
                yield Hit("BANNED_IP", because, True, recipient=recipient)


def _automatic(mail: Mail, ctx: Context, recipient: str) -> str:
    """Return why the peer is automatically banned for a recipient, empty where it is not."""
    assert mail.peer is not None
    assert ctx.bans is not None
    domain = domain_of(recipient)
    bans = (ctx.bans.find(of, mail.peer, ctx.now) for of in (PLATFORM, domain))
    ban = next((ban for ban in bans if ban is not None), None)
    if ban is None:
        return ""
    for owner in ctx.list_owners(ListName.WHITELIST_IP):
        theirs = owner.domain in ("", domain) and owner.recipient in ("", recipient)
        if theirs and ctx.lists.match_ip(ListName.WHITELIST_IP, owner.name, mail.peer, ctx.now):
            return ""
    return f"{ban.network} is banned until {ban.until:%Y-%m-%d %H:%M} UTC: {ban.why}"
