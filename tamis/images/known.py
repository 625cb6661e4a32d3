"""Known spam images, as a worker asks for them: by octets, by pixels, by shape and by what they say.

The keeper writes them into a file that all workers map, as it does for lists (`tamis.snapshot`): always a new file, so
that one that is mapped never changes. Layout, little-endian: the magic, a CRC-32 of all that follows it, the number of
images, of runs, and of the version in the database, then

* 16 octets of each image: the digest of its octets
* 16 octets of each: the digest of its pixels
* four times 8 octets of each: its shape, all zero where it has none
* the number of runs that the text of each has (32 bits); its sketch has so many, `words.SKETCH` at most
* the hashes of all runs of all sketches, sorted (32 bits each)
* the image that each belongs to (32 bits)
"""

import hashlib
import mmap
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from tamis.images.answers import Look
from tamis.images.words import SKETCH, runs

MAGIC: Final = b"TAMIS-IMAGES   1"
FRONT: Final = Struct("<16sIIII")
CHECKED_FROM: Final = 20
_CHECKSUM: Final = Struct("<I")
_COUNTS: Final = Struct("<III")
DIGEST: Final = 16
SHAPE: Final = 32
RADIUS: Final = 48
"""Bits of 256 by which the shapes of the same image may differ. Unrelated ones differ by 89 and more, measured."""
SHARE: Final = 0.4
"""The share of a known text that another one has when it says the same."""
LEAST_OWN: Final = 0.1
"""The share of the other text that the known one must be: in pages of text, pieces of anything are found by chance."""


class KnownImagesError(ValueError):
    """The file holds no known images that can be used; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Known:
    """A known image that was found: its id (32 hexadecimal digits), and how it was known."""

    full: str
    how: str

    def __str__(self) -> str:
        return f"known spam image {self.full[:12]} ({self.how})"


def octets_digest(data: bytes) -> bytes:
    """Return the digest of an image's octets (BLAKE2b, 16 octets)."""
    return hashlib.blake2b(data, digest_size=DIGEST).digest()


class KnownImages:
    """Look-ups compare with all images at once: a millisecond at 100,000."""

    def __init__(self, data: "bytes | mmap.mmap" = b"") -> None:
        """Raises `KnownImagesError` for anything but whole content of this layout; nothing at all is no image."""
        data = data or content(0, (), 0, 0)
        if len(data) < FRONT.size or data[: len(MAGIC)] != MAGIC:
            raise KnownImagesError("not a file of known images of this version of Tamis")
        _, checksum, images, count, self.version = FRONT.unpack_from(data)
        with memoryview(data) as view, view[CHECKED_FROM:] as checked:
            if zlib.crc32(checked) != checksum:
                raise KnownImagesError("the file of known images is damaged: its checksum is wrong")
        if len(data) != FRONT.size + images * (2 * DIGEST + SHAPE + 4) + count * 8:
            raise KnownImagesError("the file of known images is damaged: it is not as long as it says")
        self._data = data
        self._at = FRONT.size
        self._octets = self._column("<u8", 2 * images).reshape(images, 2)
        self._pixels = self._column("<u8", 2 * images).reshape(images, 2)
        self._shapes = self._column("<u8", 4 * images).reshape(4, images)
        self._shapeless = ~self._shapes.any(axis=0)
        self._sizes = self._column("<u4", images)
        self._runs = self._column("<u4", count)
        self._owners = self._column("<u4", count)

    def _column(self, kind: str, count: int) -> NDArray[Any]:
        column = np.frombuffer(self._data, kind, count, self._at)
        self._at += column.nbytes
        return column

    def __len__(self) -> int:
        return len(self._octets)

    def by_octets(self, digest: bytes) -> Known | None:
        """Return the known image of exactly these octets."""
        return self._exactly(self._octets, digest, "the same file")

    def by_look(self, look: Look) -> Known | None:
        """Return a known image that has the same pixels, or else the nearest that looks the same."""
        exact = self._exactly(self._pixels, look.pixels, "the same pixels")
        if exact is not None or len(look.shape) != SHAPE or not len(self):
            return exact
        wanted = np.frombuffer(look.shape, "<u8")
        apart = np.where(self._shapeless, np.uint16(8 * SHAPE), np.uint16(0))
        for column, word in zip(self._shapes, wanted, strict=True):
            apart += np.bitwise_count(column ^ word)
        nearest = int(apart.argmin())
        if apart[nearest] > RADIUS:
            return None
        return self._known(nearest, f"looks the same, {apart[nearest]} of {8 * SHAPE} bits differ")

    def by_text(self, text: str) -> Known | None:
        """Return the known image of whose text most is said, where that is enough."""
        if not len(self._runs):
            return None
        asked = runs(text)
        first, last = self._runs.searchsorted(asked, "left"), self._runs.searchsorted(asked, "right")
        found = last > first
        spans = [self._owners[start:end] for start, end in zip(first[found], last[found], strict=True)]
        if not spans:
            return None
        counts = np.bincount(np.concatenate(spans), minlength=len(self))
        shares = counts / np.clip(self._sizes, 1, SKETCH)
        shares[shares * self._sizes < LEAST_OWN * len(asked)] = 0.0
        most = int(shares.argmax())
        if shares[most] < SHARE:
            return None
        return self._known(most, f"says the same, {shares[most]:.0%} of its text")

    def _exactly(self, column: NDArray[Any], digest: bytes, how: str) -> Known | None:
        wanted = np.frombuffer(digest, "<u8")
        (found,) = np.nonzero((column[:, 0] == wanted[0]) & (column[:, 1] == wanted[1]))
        return self._known(int(found[0]), how) if len(found) else None

    def _known(self, number: int, how: str) -> Known:
        return Known(self._pixels[number].tobytes().hex(), how)


def content(version: int, columns: Sequence[bytes], images: int, count: int) -> bytes:
    """Return the content of a file from its columns, in their order."""
    checked = _COUNTS.pack(images, count, version) + b"".join(columns)
    return MAGIC + _CHECKSUM.pack(zlib.crc32(checked)) + checked


def open_known(file: BinaryIO) -> KnownImages:
    """Map an open file. Raises `KnownImagesError` and OSError."""
    try:
        return KnownImages(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError as error:
        raise KnownImagesError(str(error)) from None


def known_path(state_directory: Path) -> Path:
    """Return where the keeper writes the file and workers look for it."""
    return state_directory / "images"
