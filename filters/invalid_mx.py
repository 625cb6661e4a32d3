"""Row 15: can no reply reach the envelope sender's domain?

Why it works: who wants an answer, or at least the notice that a message did not arrive, has a host that takes it
(RFC 5321, section 5.1). Invented domains have none, and some say themselves that they take no mail (RFC 7505).
SPEC, section 1, row 15.

A domain without MX whose own address takes its mail passes, with a note. A DNS failure never decides. Names of hosts
that the DNS does not know only score: the host may be gone for a day.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tamis import limits
from tamis.authentication.domains import organisational
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.dns import Answer, Question
from tamis.dns.lookups import Dns
from tamis.mail import Mail, parse_ip
from tamis.private_space import all_private, is_private
from tamis.reverse_names import names_in, pointer

NO_ADDRESS_POINTS: Final = 1.0
"""What hosts without any address add to the score."""


class InvalidMx(Filter):
    name = "invalid-mx"
    stage = Stage.SENDER
    scores = True
    tests = {
        "MX_NONE": "the envelope sender's domain has neither a mail host nor an address",
        "MX_NULL": "the envelope sender's domain says that it takes no mail (RFC 7505)",
        "MX_PRIVATE": "the mail hosts of the envelope sender's domain are in private address space",
        "MX_NO_ADDRESS": "none of the mail hosts of the envelope sender's domain has an address",
        "NO_MX": "the envelope sender's domain has no MX record, but an address that may take its mail",
        "PEER_DOMAIN_NO_MX": "no reply can reach the domain of the peer's name in the DNS",
    }

    class Options(FilterOptions, frozen=True):
        peer_domain: bool = False

    def queries(self, mail: Mail, options: Options) -> Iterable[Question]:
        if _askable(mail.sender_domain):
            yield from _of_domain(mail.sender_domain)
        if options.peer_domain and mail.peer is not None and not is_private(mail.peer):
            yield pointer(mail.peer)

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        peer_hit = _peer_domain(mail, ctx.dns) if ctx.options.peer_domain else None
        domain = mail.sender_domain
        why_not = _why_not(mail)
        hit = None if why_not else _reachable(domain, ctx.dns)
        if isinstance(hit, str):
            why_not, hit = hit, None
        if why_not and peer_hit is None:
            raise Abstain(why_not)
        yield from (one for one in (hit, peer_hit) if one is not None)


def _why_not(mail: Mail) -> str:
    """Why there is no domain to ask about, empty where there is one."""
    if not mail.sender_known:
        return "the envelope sender is not known"
    if not mail.sender:
        return "a null sender wants no reply"
    if not mail.sender_domain:
        return "the envelope sender has no domain"
    return "" if _askable(mail.sender_domain) else "the envelope sender's domain is an address"


def _askable(domain: str) -> bool:
    return bool(domain) and not domain.startswith("[")


def _of_domain(domain: str) -> list[Question]:
    return [Question(domain, "MX"), Question(domain, "A"), Question(domain, "AAAA")]


def _reachable(domain: str, dns: Dns) -> Hit | str | None:
    """Return what is wrong with a domain, None where nothing is, or in words why that is not known."""
    mx, *own = dns.ask(_of_domain(domain))
    if mx.temporary:
        return f"the DNS does not say where the mail of {domain} goes: {mx.status}"
    if mx.records:
        return _hosts(domain, mx, dns)
    addresses = _addresses(own)
    if not addresses:
        if any(answer.temporary for answer in own):
            return f"the DNS does not say whether {domain} has an address"
        return Hit("MX_NONE", f"{domain} has neither MX nor address ({mx.status})", True, amount=0.0)
    if all_private(addresses) and not any(answer.temporary for answer in own):
        return Hit("MX_PRIVATE", f"{domain} has no MX, and its address {addresses[0]} is private", True, amount=0.0)
    return Hit("NO_MX", f"{domain} has no MX record, but the address {addresses[0]}", amount=0.0)


def _hosts(domain: str, mx: Answer, dns: Dns) -> Hit | str | None:
    names = [name for _, name in sorted(mx.records) if name not in ("", ".")]
    if not names:
        return Hit("MX_NULL", f"{domain} says that it takes no mail (null MX)", True, amount=0.0)
    looked_at = names[: limits.MX_HOSTS]
    answers = dns.ask([Question(name, kind) for name in looked_at for kind in ("A", "AAAA")])
    # Some write an address where a name should stand, and some mail servers go there.
    addresses = _addresses(answers) + tuple(name for name in looked_at if parse_ip(name) is not None)
    if addresses and not all_private(addresses):
        return None
    if len(names) > len(looked_at) or any(answer.temporary for answer in answers):
        return f"the DNS does not say where the mail hosts of {domain} are"
    if addresses:
        because = f"the MX of {domain}, {names[0]}, is at the private address {addresses[0]}"
        return Hit("MX_PRIVATE", because, True, amount=0.0)
    return Hit("MX_NO_ADDRESS", f"the MX of {domain}, {names[0]}, has no address", amount=NO_ADDRESS_POINTS)


def _addresses(answers: Sequence[Answer]) -> tuple[str, ...]:
    return tuple(record for answer in answers for record in answer.records)


def _peer_domain(mail: Mail, dns: Dns) -> Hit | None:
    """The same asked of the domain of the peer's name; what is not known there is no hit."""
    if mail.peer is None or is_private(mail.peer):
        return None
    (answer,) = dns.ask([pointer(mail.peer)])
    domains = dict.fromkeys(map(organisational, names_in(answer)))
    found = [_reachable(domain, dns) for domain in domains]
    if not found or not all(isinstance(hit, Hit) and hit.decides for hit in found):
        return None
    first = found[0]
    assert isinstance(first, Hit)
    return Hit("PEER_DOMAIN_NO_MX", f"{first.because}; it is the domain of the peer {mail.peer}", True, amount=0.0)
