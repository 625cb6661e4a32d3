"""What is known of files, as one file that all workers map (as decision 0014 has it of the lists).

Layout, little-endian: the front and header of `tamis.sealed_file`, then the columns of
`tamis.attachments.known.KnownFiles`: digests (32 octets each), since when (64 bits each), four words of the sketches
(64 bits each), families, bad and good counts (32 bits each), kinds (8 bits each).
"""

from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tamis.attachments.known import CODES, WORDS, KnownFiles
from tamis.config import Config
from tamis.sealed_file import seal, unseal

MAGIC: Final = b"TAMIS-FILES    1"


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
    header, data, at = unseal(file, MAGIC, _Header, KnownFilesError)
    if header.kinds != list(CODES):
        raise KnownFilesError("not of this version of Tamis: it has other types of files")
    if len(data) != at + 40 * header.files + (8 * WORDS + 13) * header.vertices:
        raise KnownFilesError("the file is damaged: it is not as long as it says")
    return _known(header, data, at)


def write(path: Path, columns: Columns) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the new one. Raises OSError."""
    header, arrays = _columns(columns)
    seal(path, MAGIC, header, [array.tobytes() for array in arrays])


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
