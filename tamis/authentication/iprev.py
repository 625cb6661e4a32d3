"""Whether the name of an address leads back to it (RFC 8601, section 3)."""

from itertools import islice

from tamis import limits
from tamis.authentication.results import Iprev, Result
from tamis.dns import Question, reversed_name
from tamis.dns.lookups import Dns
from tamis.mail import IPAddress, parse_ip


def question(peer: IPAddress) -> Question:
    return Question(reversed_name(peer), "PTR")


def check(peer: IPAddress, dns: Dns) -> Iprev:
    (pointer,) = dns.ask([question(peer)])
    if pointer.temporary:
        return Iprev(Result.TEMPERROR, f"the DNS does not answer for the name: {pointer.status}")
    if not pointer.records:
        return Iprev(Result.PERMERROR, "the peer has no name in the DNS")
    names = list(islice(pointer.records, limits.PEER_NAMES))
    answers = dns.ask([Question(name, "A" if peer.version == 4 else "AAAA") for name in names])
    if any(parse_ip(address) == peer for answer in answers for address in answer.records):
        return Iprev(Result.PASS)
    if any(answer.temporary for answer in answers):
        return Iprev(Result.TEMPERROR, "the DNS does not answer for the address of the name")
    return Iprev(Result.FAIL, "the name does not lead back to the address")
