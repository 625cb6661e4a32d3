"""The octets of a copy as they go out: fields put above, ours from outside taken out, the Subject tagged.

Works on the octets of the wire: a field that is not touched keeps each of its own.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from tamis.quarantine.records import Fields, StoredChanges

_CHUNK: Final = 256 * 1024
_HEADER_BYTES: Final = 4 * 1024 * 1024
"""Octets of a header in which something is changed; what lies beyond goes out as it came."""
# A CR that ends no field belongs to it, whatever comes next: every octet is in some field.
_FIELD: Final = re.compile(rb"[^\r]*(?:\r(?!\n(?![ \t]))[^\r]*)*(?:\r\n|\Z)")
_NAME: Final = re.compile(rb"([^:\s]+)[ \t]*:")


def written(fields: Fields) -> bytes:
    """Return header fields as they go over the wire."""
    lines = (f"{name}: {value}".replace("\r", "").replace("\n", "\r\n") for name, value in fields)
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")


def outgoing(content: BinaryIO, changes: StoredChanges) -> Iterator[bytes]:
    """Yield a message with its changes, in pieces."""
    yield written(changes.add)
    if changes.remove or changes.remove_some or changes.subjects:
        start = content.read(_HEADER_BYTES)
        end = _header_end(start)
        yield _changed(start[:end], changes)
        yield start[end:]
    while piece := content.read(_CHUNK):
        yield piece


def _header_end(start: bytes) -> int:
    """Where the empty line after the header begins; a message without one is all header."""
    if start.startswith(b"\r\n"):
        return 0
    found = start.find(b"\r\n\r\n")
    return len(start) if found < 0 else found + 2


def _changed(header: bytes, changes: StoredChanges) -> bytes:
    removed = {name.lower().encode() for name in changes.remove}
    some = {name.lower().encode(): set(numbers) for name, numbers in changes.remove_some.items()}
    counted = dict.fromkeys(some, 0)
    subjects = {int(number): value for number, value in changes.subjects.items()}
    kept: list[bytes] = []
    seen = 0
    for field in _FIELD.findall(header):
        named = _NAME.match(field)
        name = named.group(1).lower() if named else b""
        if name in removed:
            continue
        if name in some:
            counted[name] += 1
            if counted[name] in some[name]:
                continue
        if name == b"subject":
            seen += 1
            if seen in subjects:
                kept.append(written([("Subject", subjects[seen])]))
                continue
        kept.append(field)
    if not seen and 1 in subjects:
        # At the top, where the end of the header does not matter: it may not even be known.
        kept.insert(0, written([("Subject", subjects[1])]))
    return b"".join(kept)
