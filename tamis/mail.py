"""One message on its way: the peer that brought it, its envelope, its class and its content (SPEC, section 0)."""

import enum
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from tamis.addresses import bare_address, domain_of, normalise_address
from tamis.message import Message

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class MailClass(enum.StrEnum):
    """Which mail is filtered, and how (SPEC, section 0). Tamis's own mail never reaches a filter."""

    INBOUND = "inbound"
    RELAYED = "relayed"
    """Inbound through a trusted relay: peer and HELO name are those of the first untrusted hop."""
    OUTGOING = "outgoing"


def new_id() -> str:
    """Return a fresh id of ours for a message: sixteen hexadecimal digits."""
    return secrets.token_hex(8)


@lru_cache(maxsize=512)
def parse_ip(text: str) -> IPAddress | None:
    """Return an address, None for what is none.

    IPv4 mapped into IPv6 is taken as IPv4, and Postfix's ``IPv6:`` prefix is dropped.
    """
    text = text.strip()
    if text[:5].lower() == "ipv6:":
        text = text[5:]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@dataclass(slots=True)
class Mail:
    """What the filters are asked about.

    `peer` is None where it cannot be known (behind a trusted relay whose Received: cannot be read):
    filters that need it abstain. `rdns` is the peer's name as the MTA verified it, empty when it has
    none. `sender` is the envelope sender, empty for the null sender and where it is not known, which
    `sender_known` tells apart (a message in a file may not say it). Both it and `recipients` are
    normalised here, for comparing; `mail_from` and `rcpt_to` keep them as they were said. `listener` is the name
    of the MTA's listener that the message came through ({daemon_name} of the milter protocol), empty where there
    was none; `mta` the MTA's own name ({j}), empty where that is not known. `envelope_id` is the sender's own name for
    the delivery (RFC 3461, ENVID), decoded, usually empty.
    """

    message: Message
    peer: IPAddress | None = None
    rdns: str = ""
    helo: str = ""
    sender: str = ""
    recipients: Sequence[str] = ()
    mail_class: MailClass = MailClass.INBOUND
    queue_id: str = ""
    id: str = field(default_factory=new_id)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    sender_known: bool = True
    listener: str = ""
    mta: str = ""
    envelope_id: str = ""

    mail_from: str = field(init=False)
    rcpt_to: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.mail_from = bare_address(self.sender)
        self.rcpt_to = tuple(map(bare_address, self.recipients))
        self.sender = normalise_address(self.sender)
        self.recipients = tuple(normalise_address(recipient) for recipient in self.recipients)

    @property
    def sender_domain(self) -> str:
        return domain_of(self.sender)
