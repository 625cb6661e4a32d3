"""The model file: a magic line, a JSON header, and the counts and weights, compressed.

Layout: ``TAMIS-MODEL 2\\n``, the header's length as four bytes, the header (UTF-8 JSON: numbers, test
names and a digest, nothing from anybody's mail), then four arrays of 32-bit numbers split into byte
planes and deflated: the gaps between the indices of known features, their ham counts, their spam counts, and
their weights in the second layer plus 32,768.

The model of a site, which changes all the time, is stored *mapped*: the magic line says so, the header is padded to a
page, and the arrays follow as they are used. Every process that reads it maps it: one copy in memory for all.
"""

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

SHIPPED_MODEL: Final = Path(__file__).with_name("default.bin")
"""The model in the package, which serves until a site has its own."""
_MAGIC: Final = b"TAMIS-MODEL 2\n"
_MOST_HEADER: Final = 1 << 20
_MAGIC_MAPPED: Final = b"TAMIS-MODEL 2 MAPPED\n"
_PAGE: Final = 4096
_LENGTH: Final = struct.Struct(">I")
_PLANES: Final = 4
_COLUMNS: Final = 4
_ZERO: Final = 1 << 15


class ModelError(ValueError):
    """The file is no usable model; the text says why in one line."""


class Header(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What stands in a model file besides the counts."""

    features_version: int
    features: int
    known: int
    alpha: float
    middle: float
    messages: list[list[int]]
    """Messages learned, by view and then by class (ham, spam)."""
    weights: dict[str, float]
    mass: list[list[int]]
    """Sums of the counts, by view and then by class."""
    stale: bool
    """Whether the second layer still knows messages that were taken out of the counts."""
    digest: str
    started: bool = False
    """Whether it went on from another model, and holds that one's counts."""


def write(
    path: Path,
    header: dict[str, Any],
    counts: NDArray[np.float32],
    weights: NDArray[np.int16],
    *,
    mapped: bool = False,
) -> str:
    """Write a model atomically and return its digest. `counts` is (2, features), ham first. Raises OSError."""
    known = np.flatnonzero(counts.any(axis=0) | (weights != 0))
    shifted = weights[known].astype(np.int32) + _ZERO
    columns = [np.diff(known, prepend=0), counts[0, known], counts[1, known], shifted]
    planes = [_planes(column) for column in columns]
    header = header | {"features": counts.shape[1], "known": len(known)}
    hashed = hashlib.blake2b(msgspec.json.encode(header, order="sorted"), digest_size=8)
    for plane in planes:
        hashed.update(plane)
    digest = hashed.hexdigest()
    encoded = msgspec.json.encode(header | {"digest": digest}, order="sorted")
    if mapped:
        start = _MAGIC_MAPPED + _LENGTH.pack(len(encoded)) + encoded
        padding = bytes(-len(start) % _PAGE)
        _replace(path, [start, padding, np.ascontiguousarray(counts).data, weights.data])
    else:
        _replace(path, [_MAGIC, _LENGTH.pack(len(encoded)), encoded, zlib.compress(b"".join(planes), 9)])
    return digest


def read(
    path: Path, features_version: int, features: int, views: int
) -> tuple[Header, NDArray[np.float32], NDArray[np.int16]]:
    """Read what `write` wrote; writing to the arrays never changes the file.

    Raises ModelError for anything else, OSError where it cannot be read.
    """
    with path.open("rb") as file:
        mapped, header = _header(path, file, features_version, features, views)
        if mapped:
            return header, *_mapped(path, file, header)
        return header, *_arrays(path, file.read(), header)


def digest_of(path: Path, features_version: int, features: int, views: int) -> str:
    """Return what tells a model from others, without reading all of it. Raises as `read` does."""
    with path.open("rb") as file:
        return _header(path, file, features_version, features, views)[1].digest


def _header(path: Path, file: BinaryIO, features_version: int, features: int, views: int) -> tuple[bool, Header]:
    """Return whether the arrays that follow are mapped, and the header."""
    magic = file.readline(len(_MAGIC_MAPPED))
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size).ljust(_LENGTH.size, b"\0"))
    if magic not in (_MAGIC, _MAGIC_MAPPED):
        raise ModelError(f"{path}: not a model of this version of Tamis")
    encoded = file.read(min(length, _MOST_HEADER))
    if len(encoded) < length:
        raise ModelError(f"{path}: the model is damaged: header cut short")
    try:
        header = msgspec.json.decode(encoded, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the model is damaged: {error}") from None
    if header.features_version != features_version or header.features != features:
        raise ModelError(f"{path}: trained with features of version {header.features_version}, train it again")
    shapes = [len(view) for view in header.messages + header.mass]
    if header.alpha <= 0 or header.middle <= 0 or shapes != [2] * views * 2:
        raise ModelError(f"{path}: the model is damaged: impossible values in its header")
    return magic == _MAGIC_MAPPED, header


def _mapped(path: Path, file: BinaryIO, header: Header) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    start = file.tell() + -file.tell() % _PAGE
    of_counts, of_weights = 8 * header.features, 2 * header.features
    if os.fstat(file.fileno()).st_size != start + of_counts + of_weights:
        raise ModelError(f"{path}: the model is damaged: cut short")
    counts = np.memmap(file, dtype="<f4", mode="c", offset=start, shape=(2, header.features))
    weights = np.memmap(file, dtype="<i2", mode="c", offset=start + of_counts, shape=(header.features,))
    return counts.view(np.ndarray), weights.view(np.ndarray)


def _planes(column: NDArray[Any]) -> bytes:
    """Return 32-bit numbers as their lowest bytes, then their second bytes, and so on: most are zero."""
    octets: NDArray[np.uint8] = np.ascontiguousarray(column, dtype="<u4").view(np.uint8).reshape(-1, _PLANES)
    return octets.T.tobytes()


def _arrays(path: Path, payload: bytes, header: Header) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    size = _COLUMNS * _PLANES * header.known
    inflater = zlib.decompressobj()
    try:
        planes = inflater.decompress(payload, size + 1)
    except zlib.error as error:
        raise ModelError(f"{path}: the model is damaged: {error}") from None
    if len(planes) != size or header.known > header.features:
        raise ModelError(f"{path}: the model is damaged: {len(planes)} bytes of counts instead of {size}")
    octets = np.frombuffer(planes, dtype=np.uint8).reshape(_COLUMNS, _PLANES, header.known)
    gaps, ham, spam, shifted = (np.ascontiguousarray(part.T).view("<u4").ravel() for part in octets)
    known = np.cumsum(gaps, dtype=np.int64)
    if len(known) and known[-1] >= header.features:
        raise ModelError(f"{path}: the model is damaged: a feature beyond the last")
    counts = np.zeros((2, header.features), dtype=np.float32)
    counts[0, known] = ham
    counts[1, known] = spam
    weights = np.zeros(header.features, dtype=np.int16)
    weights[known] = shifted.astype(np.int32) - _ZERO
    return counts, weights


def _replace(path: Path, pieces: Sequence[bytes | memoryview]) -> None:
    """Put the pieces at `path` so that a reader, or a crash, sees the old file or the new one, never a part."""
    descriptor, temporary = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode_of(path))
        give_to_owner_of_folder(temporary)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def give_to_owner_of_folder(path: str | Path) -> None:
    """What root writes into the folder of another belongs to that other, who must be able to go on. Raises OSError."""
    if os.geteuid() == 0:
        owner = os.stat(os.path.dirname(path) or ".")
        os.chown(path, owner.st_uid, owner.st_gid)


def _mode_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o644
