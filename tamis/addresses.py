"""Mail addresses as they stand in envelopes and header fields (RFC 5321, RFC 5322). Never raises."""

import re
from dataclasses import dataclass
from email.utils import getaddresses
from functools import lru_cache
from typing import Final

from tamis import limits
from tamis.charset import decode_bytes, decode_encoded_words

_ADDRESS: Final = re.compile(r"[^\s<>@,;:\\\"\[\]()]+@[^\s<>@,;:\\\"()]+|\"[^\"\\\r\n]*\"@[^\s<>@,;:\\\"()]+")
_NAME_AND_ADDRESS: Final = re.compile(rf"([^<>\",;:()\\]*)<\s*({_ADDRESS.pattern})\s*>\s*")
_PLAIN: Final = r"[^\s<>@,;:\\\"\[\]()]+@[^\s<>@,;:\\\"\[\]()]+"
_QUOTED_NAME_OR_NONE: Final = re.compile(rf'[ \t]*(?:"([^"\\\r]*)"[ \t]*<({_PLAIN})>|({_PLAIN}))[ \t]*')
_PLAIN_ONES: Final = re.compile(rf"[ \t]*{_PLAIN}(?:[ \t]*,[ \t]*{_PLAIN})+[ \t]*")
"""The other forms that nearly all fields have: the library takes a hundred times as long for the same."""
_IN_ANGLES: Final = re.compile(rf"<\s*({_ADDRESS.pattern})\s*>")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name (decoded) and an address as normalised by `normalise_address`."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return domain_of(self.address)


def bare_address(address: str) -> str:
    """Return an address of the envelope without its angle brackets."""
    return address.strip().strip("<>").strip()


def normalise_address(address: str) -> str:
    """Return an address without angle brackets, its domain in lower-case A-labels, its local part in lower case.

    RFC 5321 lets a host distinguish case in local parts; none that matters does, and lists are written by people.
    """
    local, at, domain = bare_address(address).lower().rpartition("@")
    return f"{local}@{normalise_domain(domain)}" if at else domain


def normalise_domain(domain: str) -> str:
    """Return a domain in lower case, without final dot, non-ASCII labels as A-labels (RFC 5890) where that works."""
    end = len(domain)
    # Dots and blanks in any order: what is left must not read as another domain.
    while end and (domain[end - 1] == "." or domain[end - 1].isspace()):
        end -= 1
    domain = domain[:end].lstrip().lower()
    if domain.isascii() or len(domain) > 253:
        return domain
    labels = []
    for label in domain.split("."):
        try:
            labels.append(label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii"))
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


@lru_cache(maxsize=512)
def domain_of(address: str) -> str:
    """Return the normalised domain of an address, empty where it has none."""
    return normalise_domain(address.rpartition("@")[2]) if "@" in address else ""


def base_address(address: str, delimiters: str) -> str:
    """Return an address without what a delimiter sets off in its local part: ``ann+list@`` is ``ann@``."""
    local, at, domain = address.rpartition("@")
    end = next((place for place, letter in enumerate(local) if place and letter in delimiters), 0)
    return f"{local[:end]}{at}{domain}" if end else address


def parse_mailboxes(value: bytes) -> list[Mailbox]:
    """Return the mailboxes of an address field; text in which nothing reads as an address gives none.

    Encoded words are decoded after the structure was read (RFC 2047, section 5), so that a display
    name cannot smuggle in an address. What does not parse gives every address in it, those in angle
    brackets before others: the first alone might be what only looks like the author.
    """
    flat = decode_bytes(value.replace(b"\n", b""))[: limits.ADDRESS_FIELD_CHARS]
    usual = _NAME_AND_ADDRESS.fullmatch(flat)
    if usual:
        return [Mailbox(_decode_name(usual[1]), normalise_address(usual[2]))]
    simple = _QUOTED_NAME_OR_NONE.fullmatch(flat)
    if simple:
        return [Mailbox(_decode_name(simple[1] or ""), normalise_address(simple[2] or simple[3]))]
    if _PLAIN_ONES.fullmatch(flat):
        return [Mailbox("", normalise_address(address)) for address in flat.split(",")[: limits.ADDRESSES]]
    return _by_the_library(flat) if flat.strip() else []


def _by_the_library(flat: str) -> list[Mailbox]:
    try:
        pairs = getaddresses([flat])
    except (ValueError, IndexError, RecursionError, TypeError):
        pairs = []
    boxes = []
    for name, address in pairs[: limits.ADDRESSES]:
        if _ADDRESS.fullmatch(address.strip()):
            boxes.append(Mailbox(_decode_name(name), normalise_address(address)))
    if not boxes:
        found = _IN_ANGLES.findall(flat) or _ADDRESS.findall(flat)
        boxes = [Mailbox("", normalise_address(address)) for address in found[: limits.ADDRESSES]]
    return boxes


def _decode_name(name: str) -> str:
    return decode_encoded_words(name.encode("utf-8", "surrogateescape")).strip()
