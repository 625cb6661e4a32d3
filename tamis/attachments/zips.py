"""The entries of a ZIP file (APPNOTE.TXT 6.3), read as leniently as the programs that open it do, and bounded.

The standard library's reader was no choice: it unpacks bzip2 without a bound, and gives up a file for one bad entry.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from tamis import limits
from tamis.attachments.budget import Budget
from tamis.attachments.unpack import Damaged, bunzip2, inflate

_CENTRAL: Final = Struct("<4s4x2H4xI2I3H8xI")
"""Signature, flags, method, CRC-32, packed and unpacked size, lengths of name, extra field and comment, offset."""
_LOCAL: Final = Struct("<4s2x2H4x3I2H")
_END: Final = b"PK\x05\x06"
_CENTRAL_MAGIC: Final = b"PK\x01\x02"
_LOCAL_MAGIC: Final = b"PK\x03\x04"
_ENCRYPTED: Final = 1
_UTF8: Final = 1 << 11


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `size` and `crc` are what the archive says of the unpacked content."""

    name: str
    size: int
    crc: int
    encrypted: bool
    method: int
    packed: memoryview
    """Into the archive: entries may overlap, and copies of all of them would take gigabytes."""

    def read(self, budget: Budget) -> bytes:
        """Return the content. Raises `Damaged`, also for a method that is not known here, `Bomb` or `Exhausted`."""
        if self.method == 8:
            return inflate(self.packed, budget)
        if self.method == 12:
            return bunzip2(self.packed, budget)
        if self.method == 0:
            budget.take(len(self.packed))
            return bytes(self.packed)
        raise Damaged(f"it is packed by method {self.method}")


def entries(data: bytes) -> Iterator[Entry]:
    """Yield the files of an archive, at most `limits.ARCHIVE_ENTRIES`; nothing of what is no archive.

    By the central directory, as programs do; where there is none, by what stands before each content.
    """
    found = 0
    for entry in _by_directory(data):
        found += 1
        yield entry
    if not found:
        yield from _by_content(data)


def _by_directory(data: bytes) -> Iterator[Entry]:
    end = data.rfind(_END)
    if end < 0:
        return
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    said = int.from_bytes(data[end + 16 : end + 20], "little")
    at = end - size
    if data[at : at + 4] != _CENTRAL_MAGIC or at < 0:
        at = data.find(_CENTRAL_MAGIC)
        if at < 0:
            return
    moved = max(0, at - said)  # What was put in front of the archive.
    whole = memoryview(data)
    for _ in range(limits.ARCHIVE_ENTRIES):
        if data[at : at + 4] != _CENTRAL_MAGIC or len(data) < at + _CENTRAL.size:
            return
        _, flags, method, crc, packed, size, name, extra, comment, offset = _CENTRAL.unpack_from(data, at)
        text = _name(data[at + _CENTRAL.size : at + _CENTRAL.size + name], flags)
        at += _CENTRAL.size + name + extra + comment
        start = offset + moved if data[offset + moved : offset + moved + 4] == _LOCAL_MAGIC else offset
        if text.endswith("/") or len(data) < start + _LOCAL.size:
            continue
        *_, local_name, local_extra = _LOCAL.unpack_from(data, start)
        begin = start + _LOCAL.size + local_name + local_extra
        yield Entry(text, size, crc, bool(flags & _ENCRYPTED), method, whole[begin : begin + packed])


def _by_content(data: bytes) -> Iterator[Entry]:
    at, whole = data.find(_LOCAL_MAGIC), memoryview(data)
    for _ in range(limits.ARCHIVE_ENTRIES):
        if at < 0 or len(data) < at + _LOCAL.size:
            return
        _, flags, method, crc, packed, size, name, extra = _LOCAL.unpack_from(data, at)
        begin = at + _LOCAL.size + name + extra
        text = _name(data[at + _LOCAL.size : at + _LOCAL.size + name], flags)
        # Without its size, which then stands behind it, it goes on to the next one.
        after = begin + packed if packed else data.find(_LOCAL_MAGIC, begin)
        content = whole[begin : after if after >= 0 else len(data)]
        at = data.find(_LOCAL_MAGIC, after) if after >= 0 else -1
        if not text.endswith("/"):
            yield Entry(text, size, crc, bool(flags & _ENCRYPTED), method, content)


def _name(raw: bytes, flags: int) -> str:
    raw = raw[: 4 * limits.ARCHIVE_NAME_CHARS]
    try:
        text = raw.decode("utf-8")  # Many say nothing of it.
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace") if flags & _UTF8 else raw.decode("cp437")
    return text[: limits.ARCHIVE_NAME_CHARS]
