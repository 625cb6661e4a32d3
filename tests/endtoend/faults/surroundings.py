"""What the daemon meets of others, where that is to break under load: name server, scanners, clock, disk."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.dns_server import DnsServer
from tests.endtoend.faults.clock import Clock, settable_clock
from tests.endtoend.faults.databases import Sqlite
from tests.endtoend.faults.disk import SmallDisk, small_disk
from tests.endtoend.faults.mta import STRANGER
from tests.endtoend.faults.world import World
from tests.scanner_servers import Clamd, Spamd

_ZONE: Final = {
    "sender.example TXT": ["v=spf1 ip4:203.0.113.0/24 -all"],
    "sender.example MX": ["10 mail.sender.example"],
    "mail.sender.example A": [STRANGER],
    f"{'.'.join(reversed(STRANGER.split('.')))}.in-addr.arpa PTR": ["mail.sender.example"],
}
_TTL: Final = 1
"""Seconds, so that what is known is asked again."""


@dataclass(frozen=True)
class Surroundings:
    """The one part that a case needs is there, with the settings and the environment that make the daemon meet it."""

    settings: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    part: Any = None

    @property
    def dns(self) -> DnsServer:
        assert isinstance(self.part, DnsServer)
        return self.part

    @property
    def clock(self) -> Clock:
        assert isinstance(self.part, Clock)
        return self.part

    @property
    def disk(self) -> SmallDisk:
        assert isinstance(self.part, SmallDisk)
        return self.part

    @property
    def scanner(self) -> Clamd | Spamd:
        assert isinstance(self.part, Clamd | Spamd)
        return self.part


@contextmanager
def _nothing() -> Iterator[Surroundings]:
    yield Surroundings()


@contextmanager
def _dns() -> Iterator[Surroundings]:
    with DnsServer(_ZONE, ttl=_TTL) as server:
        lists = '[dnslists.one]\nzone = "one.lists.example"\nkind = "ip"\n'
        yield Surroundings(f'[dns]\nservers = ["{server.address}"]\n{lists}', part=server)


@contextmanager
def _clock() -> Iterator[Surroundings]:
    with settable_clock() as clock:
        yield Surroundings(environment=clock.environment, part=clock)


@contextmanager
def _disk() -> Iterator[Surroundings]:
    with small_disk() as disk:
        yield Surroundings(f'[quarantine]\nspool = "{disk.folder}/spool"\n', part=disk)


@contextmanager
def _clamd() -> Iterator[Surroundings]:
    with Clamd() as clamd:
        yield Surroundings(f'[clamd.first]\nendpoints = ["{clamd.endpoint}"]\n', part=clamd)


@contextmanager
def _spamd() -> Iterator[Surroundings]:
    with Spamd("required_score 50\n") as spamd:
        yield Surroundings(f'[spamd]\nendpoints = ["{spamd.endpoint}"]\n', part=spamd)


MADE: Final[dict[str, Callable[[], AbstractContextManager[Surroundings]]]] = {
    "": _nothing,
    "disk": _disk,
    "clock": _clock,
    "dns": _dns,
    "clamd": _clamd,
    "spamd": _spamd,
}


@contextmanager
def world_with(name: str, **more: Any) -> Iterator[tuple[World, Surroundings]]:
    """A world in these surroundings; `more` are further arguments of `World`. Raises what its parts raise."""
    with MADE[name]() as around, World(Sqlite(), around.settings, around.environment, **more) as world:
        yield world, around
