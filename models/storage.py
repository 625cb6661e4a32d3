"""The model file: a magic line, a JSON header, and the counts, compressed.

Layout: ``TAMIS-MODEL 1\\n``, the header's length as four bytes, the header (UTF-8 JSON: numbers, test
names and a digest, nothing from anybody's mail), then three arrays of 32-bit numbers split into byte
planes and deflated: the gaps between the indices of known features, their ham counts, their spam counts.
"""

import hashlib
import os
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

SHIPPED_MODEL: Final = Path(__file__).with_name("default.bin")
"""The model in the package, which serves until a site has its own."""
_MAGIC: Final = b"TAMIS-MODEL 1\n"
_MOST_HEADER: Final = 1 << 20
_LENGTH: Final = struct.Struct(">I")
_PLANES: Final = 4


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
    digest: str
    started: bool = False
    """Whether it went on from another model, and holds that one's counts."""


def write(path: Path, header: dict[str, Any], counts: NDArray[np.float32]) -> str:
    """Write a model atomically and return its digest. `counts` is (2, features), ham first. Raises OSError."""
    known = np.flatnonzero(counts.any(axis=0))
    columns = [np.diff(known, prepend=0), counts[0, known], counts[1, known]]
    payload = zlib.compress(b"".join(_planes(column) for column in columns), 9)
    header = header | {"features": counts.shape[1], "known": len(known)}
    digest = hashlib.blake2b(msgspec.json.encode(header, order="sorted") + payload, digest_size=8).hexdigest()
    encoded = msgspec.json.encode(header | {"digest": digest}, order="sorted")
    _replace(path, _MAGIC + _LENGTH.pack(len(encoded)) + encoded + payload)
    return digest


def read(path: Path, features_version: int, features: int) -> tuple[Header, NDArray[np.float32]]:
    """Read what `write` wrote. Raises ModelError for anything else, OSError where it cannot be read."""
    data = path.read_bytes()
    start = len(_MAGIC) + _LENGTH.size
    if not data.startswith(_MAGIC) or len(data) < start:
        raise ModelError(f"{path}: not a model of this version of Tamis")
    (length,) = _LENGTH.unpack_from(data, len(_MAGIC))
    if length > _MOST_HEADER or start + length > len(data):
        raise ModelError(f"{path}: the model is damaged: header cut short")
    try:
        header = msgspec.json.decode(data[start : start + length], type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the model is damaged: {error}") from None
    if header.features_version != features_version or header.features != features:
        raise ModelError(f"{path}: trained with features of version {header.features_version}, train it again")
    if header.alpha <= 0 or header.middle <= 0 or [len(view) for view in header.messages] != [2, 2]:
        raise ModelError(f"{path}: the model is damaged: impossible values in its header")
    return header, _counts(path, data[start + length :], header)


def _planes(column: NDArray[Any]) -> bytes:
    """Return 32-bit numbers as their lowest bytes, then their second bytes, and so on: most are zero."""
    octets: NDArray[np.uint8] = np.ascontiguousarray(column, dtype="<u4").view(np.uint8).reshape(-1, _PLANES)
    return octets.T.tobytes()


def _counts(path: Path, payload: bytes, header: Header) -> NDArray[np.float32]:
    size = 3 * _PLANES * header.known
    inflater = zlib.decompressobj()
    try:
        planes = inflater.decompress(payload, size + 1)
    except zlib.error as error:
        raise ModelError(f"{path}: the model is damaged: {error}") from None
    if len(planes) != size or header.known > header.features:
        raise ModelError(f"{path}: the model is damaged: {len(planes)} bytes of counts instead of {size}")
    octets = np.frombuffer(planes, dtype=np.uint8).reshape(3, _PLANES, header.known)
    gaps, ham, spam = (np.ascontiguousarray(part.T).view("<u4").ravel() for part in octets)
    known = np.cumsum(gaps, dtype=np.int64)
    if len(known) and known[-1] >= header.features:
        raise ModelError(f"{path}: the model is damaged: a feature beyond the last")
    counts = np.zeros((2, header.features), dtype=np.float32)
    counts[0, known] = ham
    counts[1, known] = spam
    return counts


def _replace(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a reader, or a crash, sees the old file or the new one, never a part."""
    descriptor, temporary = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
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
