"""Writing a snapshot of the lists: the file that `tamis.snapshot` describes and reads."""

import os
import socket
from array import array
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tamis.lists import ADDRESSES, ListName
from tamis.sealed_file import seal
from tamis.snapshot import BITS, MAGIC, NEVER, START, Header, encoded, hasher

Row = tuple[str, str, str, str, datetime | None]
"""An entry: list, domain, value, source, and when it ends (UTC, without its time zone, as in the database)."""

_START: Final = START.replace(tzinfo=None)
_MICROSECOND: Final = timedelta(microseconds=1)
LISTS: Final = frozenset(name.value for name in ListName)
_WITH_NETWORKS: Final = tuple(name.value for name in ListName if name.holds_networks)


def write(path: Path, rows: Iterable[Row], version: int, database: str, names: Collection[str] = LISTS) -> int:
    """Write a snapshot so that a reader, or a crash, sees the old file or the new one.

    `names` are the lists that there may be. Returns the number of rows that make no sense, as a newer Tamis may have
    written them: they are left out. Raises OSError, and what `rows` raises.
    """
    key = os.urandom(16)
    hash_of = hasher(key)
    keys, ends, starts, texts = bytearray(), array("q"), array("Q"), bytearray()
    marked: set[tuple[str, ...]] = set()
    prefixes: dict[str, set[tuple[int, int]]] = {name: set() for name in _WITH_NETWORKS}
    left_out = 0
    for name, domain, value, source, end in rows:
        asked = encoded(f"{name}\0{domain}\0{value}\0")
        prefix = _prefix(value) if name in prefixes else None
        if asked.count(0) != 3 or name not in names or (prefix is None and name in prefixes):
            left_out += 1
            continue
        keys += hash_of(asked).digest()
        ends.append(NEVER if end is None else (end - _START) // _MICROSECOND)
        starts.append(len(texts))
        texts += asked
        texts += encoded(source)
        marked |= {(name,), (name, domain)}
        if "@" in domain:
            marked.add((name, ADDRESSES))
        if prefix is not None:
            prefixes[name].add(prefix)
        elif " " in value:
            marked.add((name, domain, value.partition(" ")[0]))
    column: NDArray[Any] = np.frombuffer(keys, "<u8")
    order = np.argsort(column, kind="stable")
    lengths = np.diff(np.asarray(starts), append=np.uint64(len(texts)))
    words = (encoded("".join(f"{word}\0" for word in mark)) for mark in marked)
    marks = np.frombuffer(b"".join(hash_of(mark).digest() for mark in words), "<u8")
    header = Header(
        version=version,
        database=database,
        key=key.hex(),
        entries=len(column),
        marks=len(marks),
        text_bytes=len(texts),
        prefixes={name: sorted(found) for name, found in prefixes.items() if found},
    )
    pieces = [
        column[order],
        np.asarray(ends)[order].astype("<i8"),
        np.asarray(starts)[order].astype("<u8"),
        np.sort(marks),
        lengths[order].astype("<u4"),
    ]
    seal(path, MAGIC, header, [*(piece.tobytes() for piece in pieces), texts])
    return left_out


def _prefix(value: str) -> tuple[int, int] | None:
    """Return IP version and number of host bits of a network, None for what is none."""
    version, family = (6, socket.AF_INET6) if ":" in value else (4, socket.AF_INET)
    address, slash, length = value.partition("/")
    try:
        socket.inet_pton(family, address)
        shift = BITS[version] - int(length) if slash else 0
    except (OSError, ValueError):
        return None
    return (version, shift) if 0 <= shift <= BITS[version] else None
