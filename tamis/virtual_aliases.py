"""What Postfix makes of a recipient by its virtual alias tables, asked before Postfix does it (virtual(5)).

The algorithm is that of its cleanup(8), with its limits: an address is replaced by what the tables hold for it, and so
is each result, until nothing is found; an address in its own expansion stays. What a table holds for ``@domain``, or
for an address without its extension, counts where it holds nothing for the whole address.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.addresses import domain_of
from tamis.postmap import MapFailed, ask, is_key, takes_parts
from tamis.settings import Aliases

_WORD: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s,"])+')
_ADDRESS: Final = re.compile(
    r'("(?:[^"\\]|\\.)*"|[^\s,"<>()\[\]:;@]+)(@(?:[^\s,"<>()\[\]:;@]+|\[[^\s,"<>()\[\]@]+\]))?',
)
_NEEDLESS_QUOTES: Final = re.compile(r'"([\w!#$%&\'*+/=?^`{|}~-]+(?:\.[\w!#$%&\'*+/=?^`{|}~-]+)*)"(?=@|$)')
_NEVER_SPLIT: Final = frozenset({"postmaster", "mailer-daemon", "double-bounce"})
_NEVER_SPLIT_AT_HYPHEN: Final = re.compile(r"owner-.*|.+-request", re.I)


class Endless(Exception):
    """A recipient stands for more, or for longer addresses, than Postfix would take; the text is one line."""


@dataclass(frozen=True, slots=True)
class _Key:
    """One form in which the tables are asked for an address; `extension` is what was left out of it."""

    text: str
    extension: str = ""
    whole: bool = False


class VirtualAliases:
    """The tables of `[aliases]`. Nothing is remembered."""

    def __init__(self, settings: Aliases) -> None:
        self._settings = settings

    def expand(self, recipients: Iterable[str], deadline: float) -> dict[str, list[str] | Endless]:
        """Return the addresses that each recipient stands for, itself where there is no alias, in Postfix's order.

        Each level of aliases asks each table once. `deadline` is one of `time.monotonic`. Raises `MapFailed`.
        """
        known: dict[str, list[str]] = {}
        while True:
            found: dict[str, list[str] | Endless] = {}
            missing: dict[str, None] = {}
            for recipient in recipients:
                try:
                    found[recipient] = _expand(recipient, known, missing)
                except Endless as error:
                    found[recipient] = error
            if not missing or not self._settings.maps:
                return found
            known |= self._ask(missing, deadline)

    def _ask(self, addresses: Iterable[str], deadline: float) -> dict[str, list[str]]:
        """Return what the tables hold for each of the addresses, nothing for those that are no alias."""
        keys = {address: list(self._keys(address)) for address in addresses}
        answers: list[tuple[str, Mapping[str, str]]] = []
        for table in self._settings.maps:
            texts = {key.text for some in keys.values() for key in some if key.whole or takes_parts(table)}
            answers.append((table, ask(self._settings.postmap, table, texts, deadline - time.monotonic())))
        return {address: self._first(address, some, answers) for address, some in keys.items()}

    def _keys(self, address: str) -> Iterator[_Key]:
        """Yield the forms of an address in the order in which they count."""
        yield _Key(address, whole=True)
        local, at, domain = address.rpartition("@") if "@" in address else (address, "", "")
        base, extension = self._split(local)
        if extension:
            yield _Key(f"{base}{at}{domain}", extension)
        if at and domain_of(address) in self._settings.system_domains:
            yield _Key(local)
            if extension:
                yield _Key(base, extension)
        if at:
            yield _Key(f"@{domain}")

    def _split(self, local: str) -> tuple[str, str]:
        """Take the extension off a local part, delimiter included."""
        delimiters = self._settings.recipient_delimiter
        if local.lower() in _NEVER_SPLIT or ("-" in delimiters and _NEVER_SPLIT_AT_HYPHEN.fullmatch(local)):
            return local, ""
        quote = '"' if local.startswith('"') else ""
        plain = local[1:-1] if quote else local
        at = next((place for place, letter in enumerate(plain) if letter in delimiters), 0)
        return (f"{quote}{plain[:at]}{quote}", plain[at:]) if at else (local, "")

    def _first(self, address: str, keys: list[_Key], answers: list[tuple[str, Mapping[str, str]]]) -> list[str]:
        for key in keys:
            for table, found in answers:
                if key.text in found and (key.whole or takes_parts(table)):
                    return list(self._results(address, key, table, found[key.text]))
        return []

    def _results(self, address: str, key: _Key, table: str, value: str) -> Iterator[str]:
        """Yield the addresses of an entry. An extension that was left out goes to each of them."""
        if value.startswith("@"):
            value = address.rpartition("@")[0].removesuffix(key.extension) + value
        words = _WORD.findall(value)
        if not words or not all(map(_ADDRESS.fullmatch, words)):
            raise MapFailed(f"{table}: an entry that is no list of addresses")
        for word in words:
            local, at, domain = word.rpartition("@") if "@" in word else (word, "", "")
            if not at and self._settings.system_domains:
                at, domain = "@", self._settings.system_domains[0]
            plain = _NEEDLESS_QUOTES.sub(r"\1", local)
            yield f"{plain}{key.extension}{at}{domain}"


def _expand(recipient: str, known: Mapping[str, list[str]], missing: dict[str, None]) -> list[str]:
    """Expand a recipient as far as is known; what would have to be asked for is added to `missing`.

    As Postfix does it, one address after the other, further results of each at the end. Raises `Endless`.
    """
    addresses = [recipient]
    own_expansion: set[str] = set()
    place = 0
    while place < len(addresses):
        depth = 0
        while (address := addresses[place]).lower() not in own_expansion:
            if address not in known:
                missing[address] = None
                break
            if not known[address]:
                break
            addresses[place], *more = known[address]
            addresses += more
            depth += 1
            if depth >= limits.ALIAS_DEPTH or len(addresses) > limits.ALIAS_LEGS:
                raise Endless("the alias has no end, or more addresses than Postfix would take")
            for result in known[address]:
                if not is_key(result) or len(result) > limits.ALIAS_ADDRESS_CHARS:
                    raise Endless("the alias stands for what is no address")
                if result.lower() == address.lower():
                    own_expansion.add(address.lower())
        place += 1
    return addresses
