"""What is ours: addresses and domains that no complaint may put on a list."""

from tamis.addresses import domain_of
from tamis.complaints import Kind
from tamis.mail import parse_ip
from tamis.networks import contains
from tamis.postmap import is_table
from tamis.settings import Settings


class Ours:
    """Own networks, trusted relays and loopback; the domains that the configuration names as mail of this site."""

    def __init__(self, settings: Settings) -> None:
        self._networks = (*settings.networks.own, *settings.networks.trusted_relays)
        named = [*settings.domain, *settings.aliases.system_domains]
        named += [domain for domain in settings.aliases.local_domains if not is_table(domain)]
        self._domains = frozenset(named)

    def has(self, kind: Kind, value: str) -> bool:
        """Whether an accused, in its one spelling, is ours or holds something that is."""
        if kind is Kind.IP:
            address = parse_ip(value.partition("/")[0])
            return address is not None and (address.is_loopback or contains(self._networks, address))
        return (domain_of(value) if kind is Kind.SENDER else value.removeprefix(".")) in self._domains
