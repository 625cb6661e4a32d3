"""The lists kept by command as one file that all workers map: they share its memory, and need no database.

The keeper writes it (`tamis.snapshot_task`), always as a new file: one that is mapped never changes. Layout,
little-endian: the front and header of `tamis.sealed_file`, then

* the keys, sorted (64 bits each): a hash of list, domain and value of each entry, keyed anew in each file
* when each entry ends (64 bits): microseconds since 1970 UTC, `NEVER` for never
* where the text of each begins (64 bits) among the texts
* the marks, sorted (64 bits each): hashes of list, of list and domain, and of list, domain and the first of several
  words of a value, for each that has an entry; and of list and ``@`` where an address has one
* the length of each text (32 bits)
* the texts: list, domain, value and source of each entry, with NUL between them (UTF-8)

A key only leads to an entry; what makes the hit is its text. A file of another layout gets another magic.
"""

import socket
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tamis.config import Config
from tamis.lists import PLATFORM, Entry, ListName, Lists, longer
from tamis.sealed_file import unseal

MAGIC: Final = b"TAMIS-SNAPSHOT 1"
NEVER: Final = 2**63 - 1
START: Final = datetime(1970, 1, 1, tzinfo=UTC)
BITS: Final = {4: 32, 6: 128}


Count = Annotated[int, msgspec.Meta(ge=0)]


class SnapshotError(ValueError):
    """The file is no usable snapshot; the text says why in one line."""


def _refused(why: str) -> SnapshotError:
    return SnapshotError(f"the snapshot: {why}")


class Header(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What stands in a snapshot besides the entries."""

    version: int
    """The version number of the lists in the database."""
    database: str
    """Which database, without its password."""
    key: str
    """The key of the hashes, in hexadecimal digits."""
    entries: Count
    marks: Count
    text_bytes: Count
    prefixes: dict[str, list[tuple[int, int]]]
    """IP version and number of host bits of the networks on each list."""


def snapshot_path(config: Config) -> Path:
    """Return where the keeper writes the snapshot and workers look for it."""
    return config.state_directory / "snapshot"


def weights_path(config: Config) -> Path:
    """Return where the keeper writes the weights of senders (row 7), in a file of the same layout."""
    return config.state_directory / "weights"


def policies_path(config: Config) -> Path:
    """Return where the keeper writes the policies of the database, in a file of the same layout."""
    return config.state_directory / "policies"


def directory_path(config: Config) -> Path:
    """Return where the keeper writes the domains and users of another database, in a file of the same layout."""
    return config.state_directory / "directory"


def hasher(key: bytes) -> "partial[Any]":
    """Return the hash function of a file with that key."""
    return partial(blake2b, digest_size=8, key=key)


def encoded(words: str) -> bytes:
    """Return text as octets, whatever it is: what comes from the wire can be asked for."""
    return words.encode("utf-8", "surrogatepass")


class StoredLists:
    """A mapped snapshot. Look-ups are binary searches; all of it is checked once, when it is opened."""

    def __init__(self, file: BinaryIO) -> None:
        """Map an open file. Raises `SnapshotError` for anything but a whole snapshot of this layout, and OSError."""
        self.header, data, at = unseal(file, MAGIC, Header, _refused)
        try:
            self._hasher = hasher(bytes.fromhex(self.header.key))
        except ValueError as error:
            raise _refused(f"the file is damaged: {error}") from None
        count, marks = self.header.entries, self.header.marks
        if len(data) != at + 28 * count + 8 * marks + self.header.text_bytes:
            raise _refused("the file is damaged: it is not as long as it says")
        self._keys: NDArray[np.uint64] = np.frombuffer(data, "<u8", count, at)
        self._ends: NDArray[np.int64] = np.frombuffer(data, "<i8", count, at + 8 * count)
        self._starts: NDArray[np.uint64] = np.frombuffer(data, "<u8", count, at + 16 * count)
        self._marks: NDArray[np.uint64] = np.frombuffer(data, "<u8", marks, at + 24 * count)
        self._lengths: NDArray[np.uint32] = np.frombuffer(data, "<u4", count, at + 24 * count + 8 * marks)
        self._texts = at + 28 * count + 8 * marks
        self._data = data

    def holds(self, name: str) -> bool:
        """Whether a list has any entry, whosever."""
        return self._marked(f"{name}\0")

    def has(self, name: str, domain: str, word: str = "") -> bool:
        """Whether a list of a domain has any entry, or any whose value has several words and begins with `word`."""
        return self._marked(f"{name}\0{domain}\0{word}\0" if word else f"{name}\0{domain}\0")

    def _marked(self, words: str) -> bool:
        key, at = self._search(self._marks, encoded(words))
        return at < len(self._marks) and int(self._marks[at]) == key

    def find(self, name: ListName, domain: str, value: str) -> Entry | None:
        """Return the entry of exactly that value, ended or not."""
        found = None
        for source, end in self._sources(name, domain, value):
            found = longer(found, Entry(name, value, domain, source, _moment(end)))
        return found

    def values(self, name: str) -> Iterator[str]:
        """Yield the values of a list, of all its domains, in no order."""
        wanted = encoded(f"{name}\0")
        for start, length in zip(self._starts, self._lengths, strict=True):
            at = self._texts + int(start)
            text = self._data[at : at + int(length)]
            if text.startswith(wanted):
                yield text.split(b"\0")[2].decode("utf-8", "replace")

    def source_of(self, name: str, domain: str, value: str) -> str | None:
        """Return the source of the entry of exactly that value, None where there is none."""
        return next((source for source, _ in self._sources(name, domain, value)), None)

    def _sources(self, name: str, domain: str, value: str) -> Iterator[tuple[str, int]]:
        """Yield source and end of each entry of exactly that value."""
        asked = encoded(f"{name}\0{domain}\0{value}\0")
        key, at = self._search(self._keys, asked)
        while at < len(self._keys) and int(self._keys[at]) == key:
            start = self._texts + int(self._starts[at])
            text = self._data[start : start + int(self._lengths[at])]
            if text.startswith(asked):
                yield text[len(asked) :].decode("utf-8", "replace"), int(self._ends[at])
            at += 1

    def _search(self, column: NDArray[np.uint64], words: bytes) -> tuple[int, int]:
        """Return the hash of `words`, and where in a sorted column it stands if it does."""
        wanted = np.frombuffer(self._hasher(words).digest(), "<u8")
        return int(wanted[0]), int(column.searchsorted(wanted)[0])


def _moment(end: int) -> datetime | None:
    return None if end == NEVER else START + timedelta(microseconds=end)


class MappedLists(Lists):
    """The entries of the configuration file, in memory, and those of a snapshot, asked as one."""

    def __init__(self, configured: Iterable[Entry], stored: StoredLists) -> None:
        super().__init__(configured)
        self._stored = stored
        self.size += stored.header.entries

    def holds(self, name: ListName) -> bool:
        return super().holds(name) or self._stored.holds(name)

    def has(self, name: ListName, domain: str = PLATFORM, word: str = "") -> bool:
        return super().has(name, domain, word) or self._stored.has(name, domain, word)

    def _prefixes(self, name: ListName, domain: str) -> Collection[tuple[int, int]]:
        return {*super()._prefixes(name, domain), *self._stored.header.prefixes.get(name, ())}

    def _network(self, name: ListName, domain: str, version: int, shift: int, number: int) -> Entry | None:
        entry = super()._network(name, domain, version, shift, number)
        return longer(entry, self._stored.find(name, domain, _network_text(version, shift, number)))

    def _value(self, name: ListName, domain: str, value: str) -> Entry | None:
        return longer(super()._value(name, domain, value), self._stored.find(name, domain, value))


def _network_text(version: int, shift: int, number: int) -> str:
    """Return a network as `tamis.lists.normalise_value` spells it."""
    address = number << shift
    text = socket.inet_ntoa(address.to_bytes(4, "big")) if version == 4 else str(IPv6Address(address))
    return f"{text}/{BITS[version] - shift}" if shift else text
