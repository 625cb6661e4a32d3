"""What is configured for the whole site, whoever the recipients, and a filter may look at."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tamis.dns_lists import DnsList

if TYPE_CHECKING:
    from tamis.scanners.scanners import Scanners


@dataclass(frozen=True, slots=True)
class Site:
    """`own_names`: hosts and domains of ours in lower case; with a dot in front, a domain and all below it.
    `dns_lists`: those that have a vote at the moment; `mute_lists`: those that are configured and have none.
    `scanners`: clamd and spamd, None where nobody may be asked. `delimiters`: what sets off the extension of a
    recipient's address."""

    own_names: frozenset[str] = frozenset()
    dns_lists: tuple[DnsList, ...] = ()
    mute_lists: tuple[DnsList, ...] = ()
    scanners: "Scanners | None" = field(default=None, compare=False)
    delimiters: str = ""

    def is_own(self, name: str) -> bool:
        """Whether a name in lower case, without final dot, is one of ours."""
        return name in self.own_names or any(f".{parent}" in self.own_names for parent in _ancestors(name))


def _ancestors(name: str) -> Iterable[str]:
    """Yield a name, then all domains above it."""
    while name:
        yield name
        name = name.partition(".")[2]
