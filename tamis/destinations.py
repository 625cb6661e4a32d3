"""Where a recipient's mail really goes: row 34 of the order (SPEC, sections 1 and 3).

Whoever must not send spam outward has to know beforehand what Postfix is going to do with an address. It is worth
asking for spam alone: each level of aliases costs a process for each table.
"""

import enum
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from tamis import limits
from tamis.addresses import domain_of, normalise_address
from tamis.postmap import MapFailed, ask, is_key, is_table
from tamis.settings import Aliases
from tamis.virtual_aliases import Endless, VirtualAliases


class Kind(enum.StrEnum):
    """What a recipient address is."""

    MAILBOX = "mailbox"
    ALIAS = "alias"
    """It stands for mailboxes here, and for nothing else."""
    REDIRECTION = "redirection"
    """All its mail goes to addresses elsewhere."""
    REPLICATION = "replication"
    """Its mail goes to mailboxes here and to addresses elsewhere."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the mail of one recipient goes: normalised addresses, in the order in which Postfix finds them."""

    kind: Kind
    local: tuple[str, ...] = ()
    outward: tuple[str, ...] = ()


class DestinationUnknown(Exception):
    """It cannot be told where the mail would go; the text is one line. The safe side: take it for a redirection."""


class Destinations:
    """Answers by the tables of `[aliases]`, remembered for a while. Any thread may ask."""

    def __init__(self, settings: Aliases, hosted: Callable[[str], bool] | None = None) -> None:
        """`hosted` says of further domains whether their mailboxes are here, None where there are none."""
        self._settings = settings
        self._hosted = hosted
        self._aliases = VirtualAliases(settings)
        names = (*settings.local_domains, *settings.system_domains)
        self._domains = frozenset(name for name in names if not is_table(name))
        self._domain_tables = [name for name in names if is_table(name)]
        self._memory = _Memory()

    def find(self, recipient: str) -> Destination:
        """Return where one recipient's mail goes. Raises `DestinationUnknown`."""
        found = self.find_all([recipient])[recipient]
        if isinstance(found, DestinationUnknown):
            raise found
        return found

    def find_all(self, recipients: Iterable[str]) -> dict[str, Destination | DestinationUnknown]:
        """Return where the mail of each recipient goes, or why that is not known.

        Recipients are addresses as Postfix reads them (``{rcpt_addr}``), extension included. Takes
        `limits.ALIASES_SECONDS` at most for all of them, and a process for each table and level of aliases.
        """
        found: dict[str, Destination | DestinationUnknown] = {}
        new: list[str] = []
        for recipient in dict.fromkeys(recipients):
            known = self._memory.get(recipient)
            if known is not None:
                found[recipient] = known
            elif is_key(recipient) and len(recipient) <= limits.ALIAS_ADDRESS_CHARS:
                new.append(recipient)
            else:
                found[recipient] = DestinationUnknown("not an address that can be looked up")
        try:
            return found | self._look_up(new)
        except MapFailed as error:
            return found | {recipient: DestinationUnknown(str(error)) for recipient in new}

    def _look_up(self, recipients: list[str]) -> dict[str, Destination | DestinationUnknown]:
        deadline = time.monotonic() + limits.ALIASES_SECONDS
        legs: dict[str, dict[str, None]] = {}
        found: dict[str, Destination | DestinationUnknown] = {}
        for recipient, addresses in self._aliases.expand(recipients, deadline).items():
            if isinstance(addresses, Endless):
                found[recipient] = DestinationUnknown(str(addresses))
            else:
                legs[recipient] = dict.fromkeys(map(normalise_address, addresses))
        here = self._here({domain_of(leg) for some in legs.values() for leg in some}, deadline)
        for recipient, some in legs.items():
            destination = _destination(recipient, some, here)
            self._memory.put(recipient, destination)
            found[recipient] = destination
        return found

    def _here(self, domains: Set[str], deadline: float) -> Set[str]:
        """Return those of the domains whose mailboxes are here; an address without one is a user of this system."""
        if not self._settings.maps and not self._settings.local_domains and self._hosted is None:
            return domains
        here = {"", *(domains & self._domains)}
        if self._hosted is not None:
            here |= set(filter(self._hosted, domains))
        for table in self._domain_tables:
            left = [domain for domain in domains if domain not in here and is_key(domain)]
            here |= ask(self._settings.postmap, table, left, deadline - time.monotonic()).keys()
        return here


def _destination(recipient: str, legs: Iterable[str], here: Set[str]) -> Destination:
    local = tuple(leg for leg in legs if domain_of(leg) in here)
    outward = tuple(leg for leg in legs if domain_of(leg) not in here)
    if outward:
        kind = Kind.REPLICATION if local else Kind.REDIRECTION
    else:
        kind = Kind.MAILBOX if local == (normalise_address(recipient),) else Kind.ALIAS
    return Destination(kind, local, outward)


class _Memory:
    """The latest answers, for `limits.DESTINATION_SECONDS`, with `limits.DESTINATION_LEGS` addresses in all.

    By addresses, not by answers: strangers may write to one alias of a thousand mailboxes with ever new extensions.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, Destination]] = OrderedDict()
        self._legs = 0

    def get(self, recipient: str) -> Destination | None:
        with self._lock:
            if recipient not in self._kept:
                return None
            since, destination = self._kept[recipient]
            if time.monotonic() - since >= limits.DESTINATION_SECONDS:
                self._forget(recipient)
                return None
            self._kept.move_to_end(recipient)
            return destination

    def put(self, recipient: str, destination: Destination) -> None:
        with self._lock:
            self._forget(recipient)
            self._kept[recipient] = time.monotonic(), destination
            self._legs += _size(destination)
            while self._legs > limits.DESTINATION_LEGS:
                self._forget(next(iter(self._kept)))

    def _forget(self, recipient: str) -> None:
        _, destination = self._kept.pop(recipient, (0.0, None))
        self._legs -= _size(destination) if destination else 0


def _size(destination: Destination) -> int:
    return len(destination.local) + len(destination.outward)
