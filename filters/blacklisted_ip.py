"""Row 8: is the peer on the domain's or the platform's blacklist, or was this content flagged as spam from it?

Why it works: spam comes in series from one address, and the peer's address cannot be forged. An address that
also sends honest mail, such as a provider's relay, is not listed; a person flags one message as spam, and then
the same content (`tamis.content_digest`) from the same address is spam too. SPEC, section 1, row 8.
"""

from collections.abc import Iterator

from tamis.contract import Abstain, Context, Filter, Hit, Stage
from tamis.lists import ListName, flagged_value
from tamis.mail import Mail


class BlacklistedIP(Filter):
    name = "blacklisted-ip"
    stage = Stage.MESSAGE
    needs_peer = True
    tests = {
        "BL_IP": "the peer is on a blacklist",
        "FLAGGED_CONTENT": "the same content from this peer was flagged as spam by hand",
    }

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        assert mail.peer is not None
        listed = False
        for owner in ctx.list_owners(ListName.BLACKLIST_IP):
            entry = ctx.lists.match_ip(ListName.BLACKLIST_IP, owner.name, mail.peer, ctx.now)
            if entry:
                listed = True
                yield Hit("BL_IP", f"peer matches {entry}", True, owner.domain, owner.recipient)
        # Only for peers of which something was flagged is the digest computed.
        owners = ctx.list_owners(ListName.FLAGGED)
        flagged = [owner for owner in owners if ctx.lists.has_flagged(owner.name, mail.peer)]
        if flagged and not mail.message.capped:
            digest = mail.message.content_digest or b""
            for owner in flagged:
                entry = ctx.lists.match_value(ListName.FLAGGED, owner.name, flagged_value(mail.peer, digest), ctx.now)
                if entry:
                    because = f"peer and content match {entry}"
                    yield Hit("FLAGGED_CONTENT", because, True, owner.domain, owner.recipient)
        elif flagged and not listed:
            raise Abstain("a cap kept a part of the message from being compared with what was flagged")
