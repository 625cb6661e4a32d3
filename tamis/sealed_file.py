"""Files that the keeper writes and all workers map: a front that says whether the file is whole, then arrays.

Layout, little-endian: a magic of 16 octets, a CRC-32 of all that follows it, the length of the header, the header
(JSON, filled up with spaces so that the arrays begin at a multiple of 8), the arrays. A file is always written as a
new one: one that is mapped never changes. A file of another layout gets another magic.
"""

import mmap
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final, TypeVar

import msgspec

from tamis.publish import publish

Header = TypeVar("Header", bound=msgspec.Struct)

_FRONT: Final = Struct("<16sII")
_CHECKED_FROM: Final = 20
"""The octets of magic and checksum, which the checksum does not cover."""


def seal(path: Path, magic: bytes, header: msgspec.Struct, arrays: Sequence[bytes | bytearray]) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the new one. Raises OSError."""
    head = msgspec.json.encode(header)
    head += b" " * (-(_FRONT.size + len(head)) % 8)
    checksum = zlib.crc32(_FRONT.pack(magic, 0, len(head))[_CHECKED_FROM:])
    for piece in (head, *arrays):
        checksum = zlib.crc32(piece, checksum)
    publish(path, [_FRONT.pack(magic, checksum, len(head)), head, *arrays])


def unseal(
    file: BinaryIO, magic: bytes, kind: type[Header], refuse: Callable[[str], Exception]
) -> tuple[Header, mmap.mmap, int]:
    """Map an open file; return its header, all of it, and where the arrays begin.

    Raises OSError, and what `refuse` makes of a reason for anything but a whole file of this layout.
    """
    try:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise refuse("the file is empty") from None
    if data[: len(magic)] != magic or len(data) < _FRONT.size:
        raise refuse("not a file of this version of Tamis")
    _, checksum, length = _FRONT.unpack_from(data)
    with memoryview(data) as view, view[_CHECKED_FROM:] as checked:
        if zlib.crc32(checked) != checksum:
            raise refuse("the file is damaged: its checksum is wrong")
    try:
        header = msgspec.json.decode(data[_FRONT.size : _FRONT.size + length], type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse(f"the file is damaged: {error}") from None
    return header, data, _FRONT.size + length
