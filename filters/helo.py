"""Row 31: is the HELO name invalid, foreign or ours?

Why it works: a mail server says its own name, or its address in brackets (RFC 5321, sections 2.3.5, 4.1.1.1 and
4.1.3). Spam software says whatever comes to hand, and often the name of whom it talks to, since that is surely a
valid one. SPEC, section 1, row 31.

Names that only disagree with the DNS never decide by themselves: RFC 5321, section 4.1.4, forbids to refuse mail for
that, and many honest servers are called otherwise than they say.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.dns import Answer, Question
from tamis.mail import IPAddress, Mail, parse_ip
from tamis.private_space import is_private
from tamis.reverse_names import forward, names_in, pointer, points_to

NOT_QUALIFIED_POINTS: Final = 1.0
MISMATCH_POINTS: Final = 0.2
"""What these add to the score; measured in docs/how-it-works.md."""

_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
"""With the underscore, as Postfix takes it: Windows allows it in names of machines."""
_NUMBERS: Final = re.compile(r"[0-9][0-9.]*")
_LOCALHOST: Final = ("localhost", "localhost.localdomain", "localhost6", "localhost6.localdomain6")


class Helo(Filter):
    name = "helo"
    stage = Stage.CONNECTION
    scores = True
    needs_peer = True
    tests = {
        "HELO_INVALID": "the HELO name is no name",
        "HELO_LITERAL": "the HELO name is an address other than the peer's, or one without brackets",
        "HELO_OURS": "the peer says one of our own names",
        "HELO_LOCALHOST": "the peer says localhost",
        "HELO_NOT_QUALIFIED": "the HELO name has no domain",
        "HELO_MISMATCH": "the HELO name is none of the peer's names in the DNS, nor does it point to the peer",
    }

    class Options(FilterOptions, frozen=True):
        mismatch_decides: bool = False

    def queries(self, mail: Mail, options: Options) -> Iterable[Question]:
        peer, name = mail.peer, _spoken(mail)
        assert peer is not None
        if not is_private(peer) and _is_name(name):
            yield pointer(peer)
            if "." in name:
                yield from forward([name], peer)

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        peer, name = mail.peer, _spoken(mail)
        assert peer is not None
        if not mail.helo.strip():
            raise Abstain("no HELO name is known")
        if is_private(peer):
            raise Abstain("the peer is in private address space")
        found = _by_itself(mail, name, peer, ctx)
        if found is not None:
            yield found
        elif _is_name(name):
            yield from self._against_the_dns(name, peer, ctx)

    def _against_the_dns(self, name: str, peer: IPAddress, ctx: Context) -> Iterator[Hit]:
        unqualified = "." not in name
        questions = [pointer(peer), *([] if unqualified else forward([name], peer))]
        reverse, *forwards = ctx.dns.ask(questions)
        disagrees = _disagrees(name, peer, reverse, forwards)
        if disagrees is None and not unqualified:
            raise Abstain(f"the DNS does not say what {peer} is called: {reverse.status}")
        if unqualified:
            yield Hit("HELO_NOT_QUALIFIED", f"HELO name {name} has no domain", amount=NOT_QUALIFIED_POINTS)
        if disagrees:
            because = f"HELO name {name} is not {names_in(reverse)[0]}, the name of {peer}, nor does it point there"
            yield Hit("HELO_MISMATCH", because, ctx.options.mismatch_decides, amount=MISMATCH_POINTS)


def _spoken(mail: Mail) -> str:
    return mail.helo.strip().lower().removesuffix(".")


def _by_itself(mail: Mail, name: str, peer: IPAddress, ctx: Context) -> Hit | None:
    """What is wrong with a name whatever the DNS says."""
    said = f"HELO name {mail.helo.strip()}"
    if name.startswith("["):
        address = _literal(name)
        if address is None:
            return Hit("HELO_INVALID", f"{said} is no address literal", True, amount=0.0)
        return None if address == peer else Hit("HELO_LITERAL", f"{said} is not the peer {peer}", True, amount=0.0)
    if parse_ip(name) is not None or _NUMBERS.fullmatch(name):
        return Hit("HELO_LITERAL", f"{said} is an address without brackets", True, amount=0.0)
    if not _is_name(name):
        return Hit("HELO_INVALID", f"{said} is no name of a host", True, amount=0.0)
    if name in _LOCALHOST or name.endswith(".localhost"):
        return Hit("HELO_LOCALHOST", f"{said} is not what the peer {peer} is called", True, amount=0.0)
    if name == mail.mta.lower() or ctx.site.is_own(name):
        return Hit("HELO_OURS", f"{said} is ours, and {peer} is not", True, amount=0.0)
    return None


def _literal(name: str) -> IPAddress | None:
    """Return the address in ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321, section 4.1.3)."""
    return parse_ip(name[1:-1]) if name.endswith("]") else None


def _is_name(name: str) -> bool:
    """Whether this is the name of a host; labels that are not ASCII are left to the DNS (RFC 6531, section 3.7.1)."""
    return Question(name).wire is not None and all(
        not label.isascii() or _LABEL.fullmatch(label) for label in name.split(".")
    )


def _disagrees(name: str, peer: IPAddress, reverse: Answer, forwards: list[Answer]) -> bool | None:
    """Whether a peer with a name is not called so, and the name does not point to it; None where that is not known.

    A peer without any name is row 10's business.
    """
    if name in reverse.records or points_to(forwards, peer):
        return False
    if not reverse.known or points_to(forwards, peer) is None:
        return None
    return bool(names_in(reverse))
