"""Brands that phishing borrows, by name and domain (brands.toml), and hosts that anybody uses (hosts.toml)."""

import re
import tomllib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from tamis.authentication.domains import organisational
from tamis.phishing.confusables import look, plain

_WORDS: Final = re.compile(r"[^\W_]+")
_LEAST_WORD: Final = 5
"""Letters of a brand's name that mean it as a word within the name of a host."""
_LEAST_INSIDE: Final = 8
"""And as a part of a word: "icloud" is in "huaweicloud"."""
_GENERIC: Final = """
    account accounts admin administrator alert alerts assistance bank banque billing care center centre client
    clients colis com compte customer de delivery department desk equipe espace express facture fr help helpdesk id
    inc info information la le livraison login ltd mail message mon my net no noreply notice notification
    notifications online order orders payment payments reply reward rewards sa secure securite security service
    services shop store subscription suivi support team the update us verification votre your
"""
GENERIC: Final = frozenset(_GENERIC.split())
"""What may stand beside a name without changing whose it is."""


@dataclass(frozen=True, slots=True)
class Brand:
    """`phrases` are names as words without accents; `label` is the first of its true domains, without the suffix."""

    name: str
    phrases: tuple[tuple[str, ...], ...]
    domains: frozenset[str]
    label: str
    host_words: tuple[str, ...]
    """What means the brand as a word within a host."""
    inside: tuple[str, ...]
    """What means it even as a part of a word there."""
    common: bool

    def owns(self, domain: str) -> bool:
        """Whether a host or mail domain is the brand's own, at any depth."""
        organisation = organisational(domain)
        if organisation in self.domains or any(domain.endswith(f".{own}") or domain == own for own in self.domains):
            return True
        # The same name under a country: those are registered by brands themselves, or taken away from others.
        name, _, suffix = organisation.partition(".")
        return not self.common and name == self.label and 2 <= len(suffix) <= 6 and len(suffix.split(".")[-1]) == 2


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts that say nothing of who wrote what they show."""

    freemail: frozenset[str]
    shorteners: frozenset[str]
    anybody: frozenset[str]
    redirectors: tuple[str, ...]
    gateways: frozenset[str]
    cheap: frozenset[str]
    tenants: frozenset[str]


@lru_cache(maxsize=256)
def words(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, without accents."""
    return tuple(_WORDS.findall(plain(text)))


@cache
def brands() -> tuple[Brand, ...]:
    """The brands of brands.toml, read once."""
    return tuple(_brand(entry) for entry in _read("brands.toml")["brand"])


@cache
def hosts() -> Hosts:
    """What hosts.toml says, read once."""
    read = _read("hosts.toml")
    return Hosts(
        frozenset(read["freemail"]),
        frozenset(read["shorteners"]),
        frozenset(read["anybody"]),
        tuple(read["redirectors"]),
        frozenset(read["gateways"]),
        frozenset(read["cheap"]),
        frozenset(read["tenants"]),
    )


@cache
def data_version() -> int:
    """A number that changes with brands and hosts, so that answers that were kept are forgotten."""
    return zlib.crc32(_octets("hosts.toml"), zlib.crc32(_octets("brands.toml")))


def is_freemail(domain: str) -> bool:
    """Whether anybody gets an address in this domain for nothing."""
    return domain in hosts().freemail


@lru_cache(maxsize=4096)
def is_cheap(host: str) -> bool:
    """Whether a host is under a name where anybody gets a domain for next to nothing."""
    labels = host.split(".")
    return len(labels) > 1 and (labels[-1] in hosts().cheap or ".".join(labels[-2:]) in hosts().cheap)


@lru_cache(maxsize=4096)
def is_below(host: str, names: frozenset[str]) -> bool:
    """Whether a host is one of these, or below one."""
    labels = host.split(".")[-8:]
    return any(".".join(labels[start:]) in names for start in range(len(labels)))


def brands_named(text: str) -> list[tuple[Brand, bool]]:
    """Return the brands that a display name names, also in letters that only look like theirs.

    With each, whether the name is the brand's and nothing else: "PayPal Service", not "Visit Amazon with us".
    """
    said = words(text)[:40]
    seen = tuple(look(word) for word in said)
    named = ((brand, _names(brand, said, seen)) for brand in _may_be_named(seen))
    return [(brand, whole) for brand, whole in named if whole is not None]


def _may_be_named(seen: tuple[str, ...]) -> list[Brand]:
    """Return brands of which the first word of a name is among these, or all of a name when they are joined."""
    by_word = _by_first_word()
    places = {place for word in {*seen, "".join(seen)} for place in by_word.get(word, ())}
    return [brands()[place] for place in sorted(places)]


@cache
def _by_first_word() -> dict[str, set[int]]:
    """Places in `brands()` by how the first word of a name looks, and by how the name without spaces does."""
    found: dict[str, set[int]] = {}
    for place, brand in enumerate(brands()):
        for phrase in brand.phrases:
            looks = [look(word) for word in phrase]
            for key in (looks[0], "".join(looks)):
                found.setdefault(key, set()).add(place)
    return found


def _names(brand: Brand, said: tuple[str, ...], seen: tuple[str, ...]) -> bool | None:
    """Return whether a name is the brand's whole name, None where it does not name the brand."""
    joined = "".join(seen)
    found: bool | None = None
    for phrase in brand.phrases:
        looks = tuple(look(word) for word in phrase)
        at = next((i for i in range(len(seen) - len(looks) + 1) if seen[i : i + len(looks)] == looks), None)
        if at is not None:
            if is_generic((*said[:at], *said[at + len(looks) :])):
                return True
            # A name of several words is not said by chance, a common word is.
            if not brand.common or len(phrase) > 1:
                found = False
        # "P a y P a l" and "Pay Pal".
        elif not brand.common and len(joined) >= _LEAST_WORD and joined == "".join(looks):
            return True
    return found


def is_generic(said: Iterable[str]) -> bool:
    """Whether words name nobody: what may stand beside a name without changing whose it is."""
    return all(word in GENERIC or word.isdigit() for word in said)


def _brand(entry: dict[str, Any]) -> Brand:
    phrases = tuple(words(name) for name in (entry["name"], *entry.get("also", ())))
    label = organisational(entry["domains"][0]).partition(".")[0]
    common = bool(entry.get("common"))
    solid = {"".join(phrase) for phrase in phrases} | {label}
    host_words = () if common else tuple(sorted(word for word in solid if len(word) >= _LEAST_WORD and word != "gouv"))
    inside = tuple(word for word in host_words if len(word) >= _LEAST_INSIDE or entry.get("inside"))
    return Brand(entry["name"], phrases, frozenset(entry["domains"]), label, host_words, inside, common)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(_octets(name).decode())


def _octets(name: str) -> bytes:
    return files("tamis.phishing").joinpath(name).read_bytes()
