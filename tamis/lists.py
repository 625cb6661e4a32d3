"""The lists as the filters ask them: of the platform and of each recipient domain.

Immutable once built, so that workers share and swap whole sets. A look-up costs the same for one entry
and for a million: values are found by hash, networks by one look per prefix length in use.
"""

import enum
import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from tamis.addresses import domain_of, normalise_address, normalise_domain
from tamis.content_digest import DIGEST_BYTES
from tamis.mail import IPAddress, parse_ip

PLATFORM = ""
"""The domain of entries that hold for every recipient."""
ADDRESSES: Final = "@"
"""Stands for every address in the question whether any has an entry; no domain is spelled so."""
BY_CAPTCHA: Final = "captcha"
"""Who has added the entries of senders that proved to be persons."""


class ListName(enum.StrEnum):
    WHITELIST_IP = "whitelist_ip"
    WHITELIST_SENDER = "whitelist_sender"
    BLACKLIST_IP = "blacklist_ip"
    BLACKLIST_SENDER = "blacklist_sender"
    BAN_IP = "ban_ip"
    """Peers refused for the moment (row 2)."""
    TRAP = "trap"
    """Recipients that nobody has any reason to write to (row 13)."""
    FLAGGED = "flagged"
    """Pairs of peer and content of messages that people took for spam (row 8)."""
    MALWARE_HASH = "malware_hash"
    """SHA-256 of files known to be bad (row 26)."""
    COMPLAINT_IP = "complaint_ip"
    """Peers that people have complained of (row 14)."""
    COMPLAINT_SENDER = "complaint_sender"
    """Senders, and domains of senders, that people or official bodies have complained of (row 7b)."""

    @property
    def option(self) -> str:
        """How the list is named on the command line."""
        return self.value.replace("_", "-")

    @property
    def holds_networks(self) -> bool:
        return self.value.endswith("_ip")

    @property
    def by_command_only(self) -> bool:
        """Whether entries come from commands alone: nobody writes digests or complaints into a configuration file."""
        return self is ListName.FLAGGED or self.platform_only

    @property
    def platform_only(self) -> bool:
        """Whether an entry holds for everybody: what is malware, or complained of, does not depend on the recipient."""
        return self in (ListName.MALWARE_HASH, ListName.COMPLAINT_IP, ListName.COMPLAINT_SENDER)


CONFIGURED: Final = tuple(name for name in ListName if not name.by_command_only)
"""The lists with a key in the configuration file, of the name's own spelling."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: an address, network, mail address or domain; `source` says where it was written.

    `domain` is whose it is: the platform's, a recipient domain's, or one recipient address's.
    """

    list: ListName
    value: str
    domain: str = PLATFORM
    source: str = ""
    expires: datetime | None = None

    def holds_at(self, now: datetime) -> bool:
        return self.expires is None or now < self.expires

    @property
    def by_captcha(self) -> bool:
        """Whether the sender itself made it, by proving to be a person: it applies to proven mail alone (row 6)."""
        return self.source == f"added by {BY_CAPTCHA}"

    def __str__(self) -> str:
        whose = f"of {self.domain}" if self.domain else "of the platform"
        return f"{self.value} ({self.list} {whose})"


class BadEntry(ValueError):
    """A value that does not belong on its list; the text is one clear line."""


_DIGEST: Final = re.compile(rf"[0-9a-f]{{{2 * DIGEST_BYTES}}}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def normalise_value(name: ListName, value: str) -> str:
    """Return a list value in its one canonical spelling, or raise `BadEntry` with one clear line.

    Networks: ``192.0.2.7``, ``192.0.2.0/24``, ``2001:db8::/32``. Senders and traps: ``user@example.org``, the
    domain ``example.org`` (also written ``@example.org``), or ``.example.org`` for it and all below it.
    Flagged: an IP address and 40 hexadecimal digits (`flagged_value`). Malware: 64 hexadecimal digits.
    """
    if name.holds_networks:
        return _network(value)
    if name is ListName.FLAGGED:
        return _flagged(value)
    if name is ListName.MALWARE_HASH:
        return _hash(value)
    return _address(value)


def flagged_value(peer: IPAddress, digest: bytes) -> str:
    """Return how a pair of peer and content digest (`tamis.content_digest`) is listed."""
    return f"{peer} {digest.hex()}"


def _network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value.strip(), strict=True)
    except ValueError as error:
        raise BadEntry(f"{value!r} is not an IP address or network: {error}") from None
    mapped = network.network_address.ipv4_mapped if network.version == 6 and network.prefixlen >= 96 else None
    if mapped is not None:
        network = ipaddress.ip_network((mapped, network.prefixlen - 96))
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _flagged(value: str) -> str:
    peer, _, digest = value.strip().lower().partition(" ")
    address = parse_ip(peer)
    if address is None or not _DIGEST.fullmatch(digest.strip()):
        raise BadEntry(f"{value!r} is not an IP address and the {2 * DIGEST_BYTES} hexadecimal digits of a message")
    return flagged_value(address, bytes.fromhex(digest))


def _hash(value: str) -> str:
    digits = value.strip().lower()
    if not _SHA256.fullmatch(digits):
        raise BadEntry(f"{value!r} is not a SHA-256: 64 hexadecimal digits")
    return digits


def _address(value: str) -> str:
    text = value.strip()
    local, _, domain = text.rpartition("@")
    if "@" in local and not (len(local) > 1 and local[0] == local[-1] == '"'):
        raise BadEntry(f"{value!r} is not a mail address or domain")
    dot = "." if not local and domain.startswith(".") else ""
    domain = normalise_domain(domain.removeprefix(dot))
    labels = domain.split(".")
    printable = all(0x20 < ord(letter) < 0x7F for letter in domain)
    if not domain or len(domain) > 253 or not printable or any(not 0 < len(label) < 64 for label in labels):
        raise BadEntry(f"{value!r} is not a mail address or domain")
    if any(not (letter.isalnum() or letter in "-_") for label in labels for letter in label):
        raise BadEntry(f"{value!r} is not a mail address or domain")
    if local and any(letter.isspace() or not letter.isprintable() for letter in local):
        raise BadEntry(f"{value!r} is not a mail address or domain")
    return normalise_address(f"{local}@{domain}") if local else dot + domain


def recipient_domain(text: str) -> str:
    """Return the normalised name of a recipient domain, or raise `BadEntry`: no address, no pattern."""
    domain = normalise_domain(text)
    if "@" in domain or domain.startswith("."):
        raise BadEntry(f"{text!r} is not a domain name")
    try:
        return normalise_value(ListName.BLACKLIST_SENDER, domain)
    except BadEntry:
        raise BadEntry(f"{text!r} is not a domain name") from None


_Key = TypeVar("_Key", int, str)


def longer(known: Entry | None, other: Entry | None) -> Entry | None:
    """Return which of two entries of the same value holds longer: one kept by command adds to the configured."""
    if known is None or other is None:
        return known or other
    return other if known.expires and (not other.expires or other.expires > known.expires) else known


def _keep_longer(entries: dict[_Key, Entry], key: _Key, entry: Entry) -> None:
    entries[key] = longer(entries.get(key), entry) or entry


class Lists:
    """All entries, ready to be asked."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._networks: dict[tuple[ListName, str], dict[tuple[int, int], dict[int, Entry]]] = {}
        self._values: dict[tuple[ListName, str], dict[str, Entry]] = {}
        self._in_use: set[ListName] = set()
        self._words: set[tuple[ListName, str, str]] = set()
        self._of_addresses: set[ListName] = set()
        self.size = 0
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        self.size += 1
        self._in_use.add(entry.list)
        if "@" in entry.domain:
            self._of_addresses.add(entry.list)
        key = (entry.list, entry.domain)
        if not entry.list.holds_networks:
            _keep_longer(self._values.setdefault(key, {}), entry.value, entry)
            if " " in entry.value:
                self._words.add((*key, entry.value.partition(" ")[0]))
            return
        network = ipaddress.ip_network(entry.value)
        shift = network.max_prefixlen - network.prefixlen
        by_prefix = self._networks.setdefault(key, {}).setdefault((network.version, shift), {})
        _keep_longer(by_prefix, int(network.network_address) >> shift, entry)

    # --- where entries are looked for: `tamis.snapshot` has a second place

    def holds(self, name: ListName) -> bool:
        """Whether that list has any entry at all, whosever; else nothing need be computed to ask it."""
        return name in self._in_use

    def has(self, name: ListName, domain: str = PLATFORM, word: str = "") -> bool:
        """Whether that list of that domain has any entry, or any whose value has several words, `word` the first."""
        if word:
            return (name, domain, word) in self._words
        if domain == ADDRESSES:
            return name in self._of_addresses
        return (name, domain) in self._networks or (name, domain) in self._values

    def _prefixes(self, name: ListName, domain: str) -> Collection[tuple[int, int]]:
        """Return the IP versions and the numbers of host bits of the networks on that list, in any order."""
        return self._networks.get((name, domain), {}).keys()

    def _network(self, name: ListName, domain: str, version: int, shift: int, number: int) -> Entry | None:
        """Return the entry of one network, ended or not; `number` is its address without the host bits."""
        return self._networks.get((name, domain), {}).get((version, shift), {}).get(number)

    def _value(self, name: ListName, domain: str, value: str) -> Entry | None:
        """Return the entry of one value that is no network, ended or not."""
        return self._values.get((name, domain), {}).get(value)

    # --- what filters ask

    def match_ip(self, name: ListName, domain: str, ip: IPAddress, now: datetime | None = None) -> Entry | None:
        """Return the narrowest entry of that list and domain that holds `ip`."""
        if not self.has(name, domain):
            return None
        number, moment = int(ip), now or datetime.now(UTC)
        shifts = (shift for version, shift in self._prefixes(name, domain) if version == ip.version)
        for shift in sorted(shifts):
            entry = self._network(name, domain, ip.version, shift, number >> shift)
            if entry is not None and entry.holds_at(moment):
                return entry
        return None

    def match_address(self, name: ListName, domain: str, address: str, now: datetime | None = None) -> Entry | None:
        """Return the entry of that list and domain for a normalised address: itself, its domain, a parent domain."""
        if "@" not in address or not self.has(name, domain):
            return None
        of_domain = domain_of(address)
        labels = of_domain.split(".")
        parents = ("." + ".".join(labels[start:]) for start in range(min(len(labels), 127)))
        found = (self.match_value(name, domain, value, now) for value in (address, of_domain, *parents))
        return next((entry for entry in found if entry is not None), None)

    def match_value(self, name: ListName, domain: str, value: str, now: datetime | None = None) -> Entry | None:
        """Return the entry of that list and domain with exactly this value."""
        entry = self._value(name, domain, value)
        return entry if entry is not None and entry.holds_at(now or datetime.now(UTC)) else None

    def has_flagged(self, domain: str, peer: IPAddress) -> bool:
        """Whether any content of that peer was flagged for that domain; only then is its digest worth computing."""
        return self.has(ListName.FLAGGED, domain, str(peer))
