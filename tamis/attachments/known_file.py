"""What is known of files, as one file that all workers map (as decision 0014 has it of the lists).

Layout, little-endian: the magic, a CRC-32 of all that follows it, the length of the header, the header (JSON, filled
up with spaces to a multiple of 8), then the columns of `tamis.attachments.known.KnownFiles`: digests (32 octets each),
since when (64 bits each), four words of the sketches (64 bits each), families, bad and good counts (32 bits each),
kinds (8 bits each). The keeper always writes a new file: one that is mapped never changes.
"""

import mmap
import zlib
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tamis.attachments.known import CODES, WORDS, KnownFiles
from tamis.config import Config
from tamis.publish import publish

MAGIC: Final = b"TAMIS-FILES    1"
_FRONT: Final = Struct("<16sII")
_CHECKED_FROM: Final = 20


class KnownFilesError(ValueError):
    """The file is not usable; the text says why in one line."""


class _Header(msgspec.Struct, kw_only=True):
    files: int
    vertices: int
    families: list[str]
    kinds: list[str]


class Columns(msgspec.Struct):
    """What is known, in memory: `files` and `vertices` as rows of the database, in any order."""

    files: list[tuple[bytes, int]]
    """SHA-256, and seconds since 1970 UTC."""
    vertices: list[tuple[bytes, str, str, int, int]]
    """Sketch, kind, family, bad and good."""

    def known(self) -> KnownFiles:
        header, arrays = _columns(self)
        return _known(header, b"".join(one.tobytes() for one in arrays), 0)


def known_path(config: Config) -> Path:
    """Return where the keeper writes what is known of files and workers look for it."""
    return config.state_directory / "files"


def read(file: BinaryIO) -> KnownFiles:
    """Map an open file. Raises `KnownFilesError` for anything but a whole one of this layout, and OSError."""
    try:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise KnownFilesError("the file is empty") from None
    if data[: len(MAGIC)] != MAGIC or len(data) < _FRONT.size:
        raise KnownFilesError("not of this version of Tamis")
    _, checksum, length = _FRONT.unpack_from(data)
    with memoryview(data) as view, view[_CHECKED_FROM:] as checked:
        if zlib.crc32(checked) != checksum:
            raise KnownFilesError("the file is damaged: its checksum is wrong")
    try:
        header = msgspec.json.decode(data[_FRONT.size : _FRONT.size + length], type=_Header)
    except msgspec.DecodeError as error:
        raise KnownFilesError(f"the file is damaged: {error}") from None
    if header.kinds != list(CODES):
        raise KnownFilesError("not of this version of Tamis: it has other types of files")
    if len(data) != _FRONT.size + length + 40 * header.files + (8 * WORDS + 13) * header.vertices:
        raise KnownFilesError("the file is damaged: it is not as long as it says")
    return _known(header, data, _FRONT.size + length)


def write(path: Path, columns: Columns) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the new one. Raises OSError."""
    header, arrays = _columns(columns)
    head = msgspec.json.encode(header)
    head += b" " * (-(_FRONT.size + len(head)) % 8)
    pieces = [head, *(array.tobytes() for array in arrays)]
    checksum = zlib.crc32(_FRONT.pack(MAGIC, 0, len(head))[_CHECKED_FROM:])
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    publish(path, [_FRONT.pack(MAGIC, checksum, len(head)), *pieces])


def _columns(columns: Columns) -> tuple[_Header, list[NDArray[Any]]]:
    files = sorted(columns.files)
    vertices = [row for row in columns.vertices if row[1] in CODES and len(row[0]) == 8 * WORDS]
    names = sorted({row[2] for row in vertices})
    place = {name: at for at, name in enumerate(names)}
    digests = np.frombuffer(b"".join(digest for digest, _ in files), dtype=np.uint8)
    words = np.frombuffer(b"".join(row[0] for row in vertices), dtype="<u8").reshape(len(vertices), WORDS)
    numbers = [
        np.array([since for _, since in files], dtype="<i8"),
        *(np.ascontiguousarray(words[:, word]) for word in range(WORDS)),
        np.array([place[row[2]] for row in vertices], dtype="<u4"),
        np.array([min(row[3], 2**31) for row in vertices], dtype="<u4"),
        np.array([min(row[4], 2**31) for row in vertices], dtype="<u4"),
        np.array([CODES[row[1]] for row in vertices], dtype=np.uint8),  # type: ignore[index]
    ]
    header = _Header(files=len(files), vertices=len(vertices), families=names, kinds=[str(kind) for kind in CODES])
    return header, [digests, *numbers]


def _known(header: _Header, data: Any, at: int) -> KnownFiles:
    def column(kind: str, count: int) -> NDArray[Any]:
        nonlocal at
        found: NDArray[Any] = np.frombuffer(data, dtype=kind, count=count, offset=at)
        at += found.nbytes
        return found

    digests = memoryview(data)[at : at + 32 * header.files]
    at += 32 * header.files
    since = column("<i8", header.files)
    words = [column("<u8", header.vertices) for _ in range(WORDS)]
    families = column("<u4", header.vertices)
    counts = column("<u4", 2 * header.vertices).reshape(2, header.vertices)
    return KnownFiles(digests, since, words, column("u1", header.vertices), families, counts, header.families)
