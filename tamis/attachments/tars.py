"""The entries of a tar file: POSIX ustar with the names of GNU and pax (POSIX.1-2017, pax), bounded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tamis import limits

_BLOCK: Final = 512
_LONGEST_NAME: Final = 4 * limits.KIB
_FILES: Final = b"0\0007"


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    content: bytes


def entries(data: bytes) -> Iterator[Entry]:
    """Yield the files of an archive, at most `limits.ARCHIVE_ENTRIES`; what is broken ends it."""
    at, long_name = 0, ""
    for _ in range(2 * limits.ARCHIVE_ENTRIES):
        block = data[at : at + _BLOCK]
        if len(block) < _BLOCK or not block.strip(b"\0"):
            return
        size = _number(block[124:136])
        if size < 0:
            return
        content = data[at + _BLOCK : at + _BLOCK + min(size, len(data))]
        kind = block[156:157]
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK
        if kind == b"L":
            long_name = _text(content[:_LONGEST_NAME])
        elif kind == b"x":
            long_name = _pax_path(content[:_LONGEST_NAME])
        elif kind in _FILES:
            name = _text(block[:100])
            prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
            name = long_name or (f"{prefix}/{name}" if prefix else name)
            yield Entry(name[: limits.ARCHIVE_NAME_CHARS], content)
            long_name = ""


def _number(field: bytes) -> int:
    """Read an octal number, or one in base 256; -1 where it is none."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        return -1


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _pax_path(content: bytes) -> str:
    """Return the path of an extended header: records of ``length key=value``."""
    at = 0
    while at < len(content):
        length, _, record = content[at : at + _LONGEST_NAME].partition(b" ")
        if not length.isdigit() or len(length) > 6 or int(length) <= len(length):
            return ""
        if record.startswith(b"path="):
            return record[5 : int(length) - len(length) - 2].decode("utf-8", "replace")
        at += int(length)
    return ""
