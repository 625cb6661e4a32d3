"""The content of the file of known images that `tamis.images.known` describes and reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from tamis.images.known import DIGEST, SHAPE, content
from tamis.images.words import SKETCH

_NO_SHAPE: Final = bytes(SHAPE)


@dataclass(frozen=True, slots=True)
class Row:
    """An image as it stands in the file. `runs` is how many its text has, `sketch` their lowest hashes (u4)."""

    octets: bytes
    pixels: bytes
    shape: bytes
    runs: int
    sketch: bytes


def build(rows: Iterable[Row], version: int = 0) -> bytes:
    """Return the content of the file. Rows that make no sense are left out."""
    octets, pixels, shapes, sizes = bytearray(), bytearray(), bytearray(), []
    sketches = []
    for row in rows:
        length = 4 * min(row.runs, SKETCH)
        if (len(row.octets), len(row.pixels)) != (DIGEST, DIGEST) or len(row.sketch) != length:
            continue
        octets += row.octets
        pixels += row.pixels
        shapes += row.shape if len(row.shape) == SHAPE else _NO_SHAPE
        sizes.append(row.runs)
        sketches.append(row.sketch)
    runs = np.frombuffer(b"".join(sketches), "<u4")
    owners = np.repeat(np.arange(len(sizes), dtype="<u4"), [len(one) // 4 for one in sketches])
    order = np.argsort(runs, kind="stable")
    by_word = np.frombuffer(shapes, "<u8").reshape(len(sizes), SHAPE // 8).T
    columns = [bytes(octets), bytes(pixels), by_word.tobytes(), np.asarray(sizes, "<u4").tobytes()]
    columns += [runs[order].tobytes(), owners[order].tobytes()]
    return content(version, columns, len(sizes), len(runs))
