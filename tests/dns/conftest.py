"""What the tests of the DNS engine share: a server, and resolvers that are closed again."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from tamis.dns.resolver import Resolver
from tamis.dns.servers import Address
from tamis.dns.shared import Shared
from tests.dns_server import DnsServer

settings.register_profile("tamis", deadline=None)
settings.load_profile("tamis")

ZONE = {
    "example.org": ["192.0.2.1", "192.0.2.2"],
    "example.org AAAA": ["2001:db8::1"],
    "example.org MX": ["10 MX.example.org", "20 mx2.example.org"],
    "example.org TXT": ["v=spf1 -all"],
    "www.example.org CNAME": ["example.org"],
    "1.2.0.192.in-addr.arpa PTR": ["Mail.Example.org"],
    "null.example MX": ["0 ."],
    "broken.example": "SERVFAIL",
    "refused.example": "REFUSED",
    **{f"host{number}.example": [f"192.0.2.{number}"] for number in range(100)},
}

Resolvers = Callable[..., Resolver]


@pytest.fixture
def name_server() -> Iterator[DnsServer]:
    """A running server with the zone above."""
    with DnsServer(ZONE) as server:
        yield server


@pytest.fixture
def resolver_of() -> Iterator[Resolvers]:
    """Makes resolvers that ask the given servers or addresses, with a short time-out."""
    made: list[Resolver] = []

    def make(
        *servers: DnsServer | Address, timeout: float = 0.4, attempts: int = 3, shared: Shared | None = None
    ) -> Resolver:
        addresses = [server.address if isinstance(server, DnsServer) else server for server in servers]
        made.append(Resolver(addresses, timeout, attempts, shared))
        return made[-1]

    yield make
    for resolver in made:
        resolver.close()
