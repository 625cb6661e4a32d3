"""The host in a URL, as a browser finds it: whatever tricks it was written with, or None. Never raises.

WHATWG URL, section 4.4, and RFC 3986, section 3.2: what stands before an ``@`` is no host, a backslash is a slash,
and an address may be one number, octal or hexadecimal.
"""

import ipaddress
import re
import socket
import unicodedata
from typing import Final
from urllib.parse import unquote

from tamis.addresses import normalise_domain
from tamis.mail import IPAddress, parse_ip

Host = IPAddress | str

_AUTHORITY: Final = re.compile(r"[^/\\?#\s]{1,512}")
_PORT: Final = re.compile(r":[0-9]{0,6}$")
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]{0,16}|[0-9]{1,20})")
_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62})){1,31}")
_IGNORED: Final = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
"""Letters that browsers leave out of names: soft hyphen, spaces and joiners of no width (UTS 46)."""
_DOTS: Final = str.maketrans("\u3002\uff0e\uff61", "...")


def host_of(rest: str) -> Host | None:
    """Return the host of a URL of which the scheme and the slashes were taken away.

    A name has a dot and lower-case A-labels, and no final dot.
    """
    authority = _AUTHORITY.match(rest)
    return host(authority[0].rpartition("@")[2]) if authority else None


def host(text: str) -> Host | None:
    """Return a host with or without a port."""
    if text.startswith("["):
        return parse_ip(text[1:].partition("]")[0])
    text = _PORT.sub("", text)
    if "%" in text:
        text = unquote(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_IGNORED)).translate(_DOTS)
    name = normalise_domain(text)
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return _address(name)
    return name if len(name) <= 253 and _NAME.fullmatch(name) else None


def _address(text: str) -> IPAddress | None:
    """Read one to four numbers, decimal, octal or hexadecimal, as the C library does."""
    if not all(_NUMBER.fullmatch(part) for part in text.split(".")[:5]):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text))
    except (OSError, ValueError):
        return None
