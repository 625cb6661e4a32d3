"""Addresses that mean something within one network alone: nobody on the Internet is reached or found by them.

Not the same as Python's ``is_private``, which counts what is set aside for documentation, too.
"""

import ipaddress
from functools import lru_cache
from typing import Final

from tamis.mail import IPAddress, parse_ip

_NETWORKS: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "::/127",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)
"""RFC 1122 (this network, loopback), 1918, 3927, 4193, 4291 and 6598."""


@lru_cache(maxsize=1024)
def is_private(ip: IPAddress) -> bool:
    """Whether an address is of this host or of a private network."""
    return any(ip in network for network in _NETWORKS)


def all_private(addresses: tuple[str, ...]) -> bool:
    """Whether there are addresses, as text, and none of them is public; what is no address counts as public."""
    found = [parse_ip(address) for address in addresses]
    return bool(found) and all(ip is not None and is_private(ip) for ip in found)
