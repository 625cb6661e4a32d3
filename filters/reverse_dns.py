"""Row 10: has the peer no name in the DNS?

Why it works: whoever runs a mail server asks for its name (RFC 1912, section 2.1); the machines that send spam for
others are customers' computers, of which nobody cares for the name. SPEC, section 1, row 10.

Only the DNS's own word that there is none decides: a failure never does. A name that does not point back to the peer
only scores: it is easily got wrong. The name that the MTA verified is not used, since where it is missing the MTA does
not say which of the two it was, or whether the DNS failed.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from tamis.contract import Abstain, Context, Filter, Hit, Stage
from tamis.dns import Question
from tamis.mail import Mail
from tamis.private_space import is_private
from tamis.reverse_names import forward, names_in, pointer, points_to

UNCONFIRMED_POINTS: Final = 0.5
"""What an unconfirmed name adds to the score: files of mail cannot teach it, since the DNS has changed since."""


class ReverseDns(Filter):
    name = "reverse-dns"
    stage = Stage.CONNECTION
    scores = True
    needs_peer = True
    tests = {
        "RDNS_NONE": "the peer has no name in the DNS",
        "RDNS_UNCONFIRMED": "no name of the peer points back to it",
    }

    def queries(self, mail: Mail, options: Any) -> Iterable[Question]:
        assert mail.peer is not None
        if not is_private(mail.peer):
            yield pointer(mail.peer)

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        peer = mail.peer
        assert peer is not None
        if is_private(peer):
            raise Abstain("the peer is in private address space")
        (answer,) = ctx.dns.ask([pointer(peer)])
        if not answer.known:
            raise Abstain(f"the DNS does not say whether {peer} has a name: {answer.status}")
        names = names_in(answer)
        if not names:
            yield Hit("RDNS_NONE", f"{peer} has no name in the DNS ({answer.status})", decides=True, amount=0.0)
        elif points_to(ctx.dns.ask(forward(names, peer)), peer) is False:
            because = f"{peer} has the name {names[0]}, which does not point back to it"
            yield Hit("RDNS_UNCONFIRMED", because, amount=UNCONFIRMED_POINTS)
