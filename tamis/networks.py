"""Which class a message is of, and who really brought it (SPEC, section 0)."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.mail import IPAddress, MailClass, parse_ip
from tamis.message import Message
from tamis.settings import Networks

_FROM_CLAUSE: Final = re.compile(r"from (.{1,1000}?)(?: by | ?;| ?$)", re.I)
_LITERAL: Final = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\]", re.I)
_BARE: Final = re.compile(r"\((?:[^()\s]+@)?([0-9A-Fa-f:.]{3,45})\)")
_NAME_IN_COMMENT: Final = re.compile(r"\(\s*(?:[^\s()@]+@)?([A-Za-z0-9_.-]+)\s*\[")
_HELO_IN_COMMENT: Final = re.compile(r"\bhelo[= ]([^\s()]{1,255})", re.I)


@dataclass(frozen=True, slots=True)
class Identity:
    """The class of a message and its peer, as the filters see them."""

    mail_class: MailClass
    peer: IPAddress | None
    rdns: str
    helo: str


def contains(networks: Iterable[str], ip: IPAddress) -> bool:
    """Whether an address lies in one of the networks."""
    return any(ip in ipaddress.ip_network(network) for network in networks)


def network_around(ip: IPAddress, bits: int, bits_of_ipv6: int) -> str:
    """Return the network of an address with so many bits, as text."""
    return str(ipaddress.ip_network((ip, bits if ip.version == 4 else bits_of_ipv6), strict=False))


def identify(
    networks: Networks,
    peer: IPAddress | None,
    rdns: str,
    helo: str,
    authenticated: bool,
    local_submission: bool,
    message: Message,
) -> Identity:
    """Tell the class of a message from its connection, and look behind a trusted relay.

    `authenticated`: the client logged in; `local_submission`: handed over by sendmail(1).
    """
    if authenticated or local_submission:
        return Identity(MailClass.OUTGOING, peer, rdns, helo)
    if peer is not None and contains(networks.trusted_relays, peer):
        return _behind_relay(networks, message)
    if peer is not None and contains(networks.own, peer):
        return Identity(MailClass.OUTGOING, peer, rdns, helo)
    return Identity(MailClass.INBOUND, peer, rdns, helo)


def _behind_relay(networks: Networks, message: Message) -> Identity:
    """Take the peer from the first Received: whose sending side is no relay of ours."""
    for field in message.fields("received")[: limits.RECEIVED_FIELDS]:
        hop = parse_received(field.text)
        if hop is None:
            break
        ip, rdns, helo = hop
        if not ip.is_loopback and not contains(networks.trusted_relays, ip):
            return Identity(MailClass.RELAYED, ip, rdns, helo)
    return Identity(MailClass.RELAYED, None, "", "")


def parse_received(value: str) -> tuple[IPAddress, str, str] | None:
    """Return address, verified name and HELO name of the sending side of a Received: field, or None.

    Reads what Postfix, Sendmail, Exim, qmail and Exchange write (RFC 5321, section 4.4). The HELO name is the
    client's own word and may be an address too: the last address after it counts, as the server added it.
    """
    clause = _FROM_CLAUSE.match(" ".join(value.split()))
    if clause is None:
        return None
    text = clause.group(1)
    said = _HELO_IN_COMMENT.search(text)
    first, _, after = _HELO_IN_COMMENT.sub("", text).partition(" ")
    first = first.strip("();,")
    for piece in (after, first):
        found = [
            (match.start(), parse_ip(match.group(1))) for form in (_LITERAL, _BARE) for match in form.finditer(piece)
        ]
        addresses = [ip for _, ip in sorted(found, key=lambda place: place[0]) if ip is not None]
        if addresses:
            named = _NAME_IN_COMMENT.search(after)
            verified = first if said and not first.startswith("[") else ""
            rdns = (named.group(1) if named else verified).lower()
            return addresses[-1], "" if rdns == "unknown" else rdns, said.group(1) if said else first
    return None
