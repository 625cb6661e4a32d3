"""Row 14: is the peer on the complaint list?

Why it works: who gets spam complains of it, and feedback loops (RFC 5965) say which address it came from. A single
complaint may be wrong, so a person lists the address, by the number and the type of the complaints (`tamis complaint`),
and takes it off when the trouble is over. SPEC, section 1, row 14.
"""

from collections.abc import Iterator

from tamis.contract import Context, Filter, Hit, Stage
from tamis.lists import PLATFORM, ListName
from tamis.mail import Mail


class IPComplaint(Filter):
    name = "ip-complaint"
    stage = Stage.CONNECTION
    needs_peer = True
    tests = {"COMPLAINT_IP": "the peer is on the complaint list"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        assert mail.peer is not None
        entry = ctx.lists.match_ip(ListName.COMPLAINT_IP, PLATFORM, mail.peer, ctx.now)
        if entry:
            yield Hit("COMPLAINT_IP", f"peer matches {entry}", True)
