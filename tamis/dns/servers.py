"""Which name servers are asked: those of the configuration, else those of the system. Never others by default."""

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

RESOLV_CONF: Final = Path("/etc/resolv.conf")
_PORT: Final = 53
_BRACKETED: Final = re.compile(r"\[([^\[\]]*)\](?::([0-9]{1,5}))?")
_IPV4: Final = re.compile(r"([0-9.]+)(?::([0-9]{1,5}))?")
_NAMESERVER: Final = re.compile(r"^[ \t]*nameserver[ \t]+(\S+)", re.M)


class Address(NamedTuple):
    """An IP address (IPv6 with its zone, where it has one) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_server(text: str) -> Address | None:
    """Return the address in ``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:5353``, else None."""
    form = _BRACKETED.fullmatch(text) or _IPV4.fullmatch(text)
    host, port = (form[1], int(form[2] or _PORT)) if form else (text, _PORT)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if not 0 < port < 65536 or (text.startswith("[") and address.version == 4):
        return None
    return Address(str(address), port)


def system_servers(path: Path = RESOLV_CONF) -> list[Address]:
    """Return the name servers of resolv.conf(5), which says what is asked where it names none: this machine."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        text = ""
    found = [parse_server(word) for word in _NAMESERVER.findall(text)]
    return [address for address in found if address] or [Address("127.0.0.1", _PORT)]


def addresses(configured: Sequence[str]) -> list[Address]:
    """Return the servers to ask, in their order, each once."""
    given = [address for address in map(parse_server, configured) if address]
    return list(dict.fromkeys(given or system_servers()))


_PUBLIC: Final = tuple(
    (ipaddress.ip_network(network), operator)
    for operator, networks in {
        "Google": "8.8.8.8 8.8.4.4 2001:4860:4860::/48",
        "Cloudflare": "1.1.1.0/24 1.0.0.0/24 2606:4700:4700::/48",
        "Quad9": "9.9.9.0/24 149.112.112.0/24 2620:fe::/48",
        "OpenDNS": "208.67.220.0/22 2620:119::/32",
        "AdGuard": "94.140.14.0/24 94.140.15.0/24 2a10:50c0::/32",
        "Level 3": "4.2.2.0/29 209.244.0.3 209.244.0.4",
        "Verisign": "64.6.64.6 64.6.65.6 2620:74:1b::/48 2620:74:1c::/48",
        "UltraDNS": "156.154.70.0/24 156.154.71.0/24 2610:a1:1018::/48 2610:a1:1019::/48",
        "Comodo": "8.26.56.26 8.20.247.20",
        "CleanBrowsing": "185.228.168.0/24 185.228.169.0/24 2a0d:2a00::/32",
        "Control D": "76.76.2.0/24 76.76.10.0/24 2606:1a40::/32",
        "Hurricane Electric": "74.82.42.42 2001:470:20::2",
        "DNS.WATCH": "84.200.69.80 84.200.70.40 2001:1608:10:25::/64",
        "DNS4EU": "86.54.11.0/24 2a13:1001::/32",
        "Yandex": "77.88.8.0/24 2a02:6b8::feed:0/112",
        "AliDNS": "223.5.5.5 223.6.6.6 2400:3200::/32",
        "DNSPod": "119.29.29.29 2402:4e00::/32",
        "114DNS": "114.114.114.114 114.114.115.115",
    }.items()
    for network in networks.split()
)


def public_operator(address: Address) -> str:
    """Return who runs a well-known public resolver at an address, empty where none is known there.

    DNS lists refuse what comes through those, or answer it wrongly: they cannot tell whose questions they are.
    """
    ip = ipaddress.ip_address(address.host)
    return next((operator for network, operator in _PUBLIC if ip in network), "")
