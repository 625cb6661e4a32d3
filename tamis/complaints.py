"""What people complain of, and what is proposed because of it (SPEC, section 1, rows 7b and 14)."""

import enum
import ipaddress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tamis.list_rows import checked
from tamis.lists import BadEntry, ListName
from tamis.mail import parse_ip

REMEMBERED_DAYS: Final = 90
"""For so long a complaint speaks against the bulk mail of whom it accuses (row 22)."""
_WIDEST: Final = {4: 8, 6: 19}
"""The widest networks that registries hand out: a feed that lists wider ones is broken."""


class Kind(enum.StrEnum):
    """What is accused."""

    IP = "ip"
    SENDER = "sender"
    DOMAIN = "domain"

    @property
    def list(self) -> ListName:
        """The list that it is put on."""
        return ListName.COMPLAINT_IP if self is Kind.IP else ListName.COMPLAINT_SENDER


class State(enum.StrEnum):
    """What was decided on a proposal."""

    OPEN = "open"
    LISTED = "listed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint of one accused; `report` is a digest by which it is known again."""

    kind: Kind
    value: str
    report: str
    reporter: str
    type: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An accused with the complaints of it, and what was decided. `on_list`: it is on its list now."""

    kind: Kind
    value: str
    complaints: int
    reporters: int
    types: str
    first_seen: datetime
    last_seen: datetime
    state: State
    decided_by: str
    decided_at: datetime | None
    note: str
    on_list: bool


def kind_of(value: str) -> Kind:
    """Return what a value is, by how it is written."""
    if parse_ip(value.partition("/")[0]) is not None:
        return Kind.IP
    return Kind.SENDER if "@" in value.lstrip("@") else Kind.DOMAIN


def checked_value(kind: Kind, value: str) -> str:
    """Return an accused in its one spelling. Raises `BadEntry`."""
    normalised = checked(kind.list, value)
    if kind is Kind.IP:
        network = ipaddress.ip_network(normalised)
        if network.prefixlen < _WIDEST[network.version]:
            raise BadEntry(f"{value!r} is too wide: nobody complains of more than a /{_WIDEST[network.version]}")
    if kind_of(normalised) is not kind:
        raise BadEntry(f"{value!r} is no {'mail address' if kind is Kind.SENDER else kind.value}")
    return normalised
