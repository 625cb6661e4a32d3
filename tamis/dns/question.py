"""A question to the DNS, made fit to be sent: a name that cannot be asked is known as such, and never raises."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

RecordType = Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "TXT"]

CODES: Final[dict[str, int]] = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
"""The types that may be asked, by their numbers (RFC 1035, section 3.2.2; RFC 3596)."""

_TAILS: Final = {kind: code.to_bytes(2, "big") + b"\0\1" for kind, code in CODES.items()}
_SIZES: Final = tuple(bytes((size,)) for size in range(64))
_LONGEST_NAME: Final = 255
_DOTS: Final = re.compile("[.\u3002\uff0e\uff61]")
_ODD_OCTET: Final = re.compile(rb"[^!-\-/-\[\]-~]")
_ODD_IN_NAME: Final = re.compile(rb"[^!-\[\]-~]")


@dataclass(frozen=True, slots=True, init=False)
class Question:
    """A name and a type, class IN.

    The name is taken as strangers write it: text in any case, with or without the final dot, non-ASCII labels as
    A-labels (IDNA 2003); or octets. A backslash is a letter like any other. `name` is lower case without the final
    dot, odd octets as ``\\DDD``. `wire` is name, type and class as they are sent (RFC 1035, section 4.1.2), None
    where the name cannot be asked: empty, a label that is empty or above 63 octets, above 255 octets in all. The root
    is ".". Raises KeyError for a type that is not in `CODES`.
    """

    name: str
    type: RecordType
    wire: bytes | None

    def __new__(cls, name: str | bytes, type: RecordType = "A") -> "Question":
        return _remembered(name, type) if len(name) <= _LONGEST_NAME else _made(name, type)

    def __str__(self) -> str:
        return f"{self.name} {self.type}"


def _made(name: str | bytes, type: RecordType) -> Question:
    tail = _TAILS[type]
    encoded = _encode(name)
    made: Question = object.__new__(Question)
    set_field = object.__setattr__
    set_field(made, "type", type)
    if encoded is None:
        said = name if isinstance(name, str) else name.decode("latin-1")
        set_field(made, "name", said[:_LONGEST_NAME])
        set_field(made, "wire", None)
    else:
        text, wire = encoded
        set_field(made, "name", text)
        set_field(made, "wire", wire + tail)
    return made


_remembered: Final = lru_cache(maxsize=4096)(_made)
"""The filter that declares a question asks it, too, and large providers are asked about with most messages."""


def _encode(name: str | bytes) -> tuple[str, bytes] | None:
    """Return a name as text and as uncompressed octets, None for what cannot be asked."""
    octets = _octets(name) if isinstance(name, str) else name
    if octets is None:
        return None
    if octets == b".":
        return ".", b"\0"
    octets = octets.lower().removesuffix(b".")
    # One octet goes to the first label's length, one to the root; so two letters less than the octets of the name.
    if not octets or len(octets) > _LONGEST_NAME - 2:
        return None
    labels = octets.split(b".")
    try:
        wire = b"".join([_SIZES[len(label)] + label for label in labels]) + b"\0"
    except IndexError:
        return None
    if b"" in labels:
        return None
    return text_of(labels), wire


def _octets(name: str) -> bytes | None:
    if name.isascii():
        return name.encode("ascii")
    try:
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            return name.encode("utf-8", "surrogateescape")  # Octets that were no text when they arrived.
        from dns.name import IDNA_2003_Practical  # Hardly any name needs it, and it takes its time to load.

        labels = _DOTS.split(name[:_LONGEST_NAME])
        return b".".join(IDNA_2003_Practical.encode(label) if label else b"" for label in labels)
    except Exception:  # Whatever the tables of IDNA stumble over, the name cannot be asked.
        return None


def text_of(labels: list[bytes]) -> str:
    """Return labels as text in lower case; as ``\\DDD`` what is no printable ASCII, backslashes, and dots in labels.

    So no two names have the same text, and a dot within a label is not taken for one between labels (RFC 1035,
    section 5.1).
    """
    joined = b".".join(labels).lower()
    if joined.count(b".") == len(labels) - 1 and _ODD_IN_NAME.search(joined) is None:
        return joined.decode("ascii")
    return ".".join(
        _ODD_OCTET.sub(lambda found: b"\\%03d" % found[0][0], label.lower()).decode("ascii") for label in labels
    )


def reversed_name(address: ipaddress.IPv4Address | ipaddress.IPv6Address, zone: str = "") -> str:
    """Return the name of an address in a zone of a DNS list (RFC 5782), or without a zone that of its PTR record."""
    return f"{_reversed(address)}.{zone}" if zone else _pointer(address)


@lru_cache(maxsize=256)
def _pointer(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return address.reverse_pointer


def _reversed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return _pointer(address).rpartition(".")[0].rpartition(".")[0]
