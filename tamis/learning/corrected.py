"""The second layer as a site's lessons have moved it, as one file that all workers map: the keeper writes it anew.

Layout, little-endian: the front and header of `tamis.sealed_file`; the indices of the moved weights (32 bits, sorted),
then the weights (16 bits, signed), in the place of those of the model that they were made over.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import msgspec
import numpy as np

from tamis.config import Config
from tamis.models.features import FEATURES, FEATURES_VERSION
from tamis.models.sparse import SparseWeights
from tamis.sealed_file import seal, unseal

_MAGIC: Final = b"TAMIS-CORRECTN 1"
_BYTES: Final = 6
"""Octets of one weight."""


class CorrectedError(ValueError):
    """The file is no usable second layer; the text says why in one line."""


class Made(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What a second layer was made of."""

    model: str
    """Digest of the model over which it lies; over another one it means nothing."""
    lessons: str
    """Digest of the messages and their weights (`building.lessons_of`)."""
    ham: int
    spam: int
    """Messages that it was made of; none where there were too few of either class."""
    features_version: int = FEATURES_VERSION
    moved: Annotated[int, msgspec.Meta(ge=0, le=FEATURES)] = 0
    """Weights that are others than the model's."""
    version: str = ""
    """Digest of these."""


class Corrected(msgspec.Struct, frozen=True):
    """A second layer and what it was made of."""

    made: Made
    moved: SparseWeights


def corrected_path(config: Config) -> Path:
    """Return where the keeper writes the file and workers look for it."""
    return config.state_directory / "corrected"


def write(path: Path, made: Made, moved: SparseWeights) -> Made:
    """Write a second layer so that a reader, or a crash, sees the old file or the new one; return its header.

    The same lessons over the same model give the same octets. Raises OSError.
    """
    pieces = [moved.indices.astype("<u4").tobytes(), moved.weights.astype("<i2").tobytes()]
    version = blake2b(made.model.encode() + b"".join(pieces), digest_size=8).hexdigest()
    header = msgspec.structs.replace(made, moved=len(moved.indices), version=version)
    seal(path, _MAGIC, header, pieces)
    return header


def read(file: BinaryIO) -> Corrected:
    """Map an open file. Raises OSError, or `CorrectedError` for anything but a whole file of this layout."""
    made, data, at = unseal(file, _MAGIC, Made, _refused)
    if made.features_version != FEATURES_VERSION:
        raise _refused("the file has features of another version of Tamis")
    if len(data) != at + _BYTES * made.moved:
        raise _refused("the file is damaged, it is not as long as it says")
    indices = np.frombuffer(data, "<u4", made.moved, at)
    return Corrected(made, SparseWeights(indices, np.frombuffer(data, "<i2", made.moved, at + 4 * made.moved)))


def _refused(why: str) -> CorrectedError:
    return CorrectedError(f"the second layer: {why}")
