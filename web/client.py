"""Who asks: the address of the browser, as far as proxies that are trusted tell it."""

from typing import Final

from starlette.requests import Request

from tamis.mail import IPAddress, parse_ip
from tamis.networks import contains
from tamis.settings import Web

_MOST: Final = 20


def client_address(request: Request, settings: Web) -> str:
    """Return the address of who asks, empty where it is not known.

    Of a chain of proxies only those count that `web.proxies` names; what stands before the first stranger, that
    stranger has written.
    """
    peer = parse_ip(request.client.host) if request.client else None
    # Behind a unix socket there is no address: whoever may write to it is trusted.
    if not settings.proxy_header or not (peer is None or contains(settings.proxies, peer)):
        return str(peer or "")
    chain = ",".join(request.headers.getlist(settings.proxy_header)).split(",")[-_MOST:]
    for text in reversed(chain):
        address = parse_ip(text.strip())
        if address is None:
            break
        peer = address
        if not contains(settings.proxies, address):
            break
    return str(peer or "")


def network_of(address: str) -> str:
    """Return what one person has at home: an IPv4 address, or the /64 of an IPv6 address."""
    parsed: IPAddress | None = parse_ip(address)
    if parsed is None or parsed.version == 4:
        return address
    return ":".join(parsed.exploded.split(":")[:4])
