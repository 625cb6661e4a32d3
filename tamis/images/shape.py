"""Fingerprints of decoded images: an exact one of the pixels, and 256 bits that survive what image spam varies.

The shape is a perceptual hash (pHash): edges of one colour are cut off, as random borders and bars are; what is left
is made 64 x 64 and grey, and each of its 16 x 16 lowest frequencies (discrete cosine transform) gives a bit: whether
it is above the median. Random dots are high frequencies, other colours and sizes change all frequencies alike.
How far shapes of the same image lie apart, and of different ones, is measured by `benchmarks/image_spam.py`.
"""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

BITS: Final = 256
_SIZE: Final = 64
_KEPT: Final = 16
_LEAST: Final = (64, 32)
"""Width and height that must be left without the edges: less has too little in it to tell it from others."""
_LARGE: Final = 400
"""Pixels of the longer side of an image in which edges are looked for, at most."""
_FRAMES: Final = 3
"""Frames and margins, one within the other, that are cut off."""
_LEAST_SPREAD: Final = 8.0
"""Standard deviation of grey (0 to 255): less is an empty page."""
_DIFFERENT: Final = 32
"""Levels of grey by which a pixel differs from its line."""
_SPECKS: Final = 0.02
"""Share of a line's pixels that may differ while it is still of one colour."""

Grey = NDArray[np.uint8]


def _cosines() -> NDArray[np.float32]:
    wave = np.arange(_KEPT)[:, None] * (2 * np.arange(_SIZE)[None, :] + 1)
    return np.cos(np.pi * wave / (2 * _SIZE)).astype(np.float32)


_COSINES: Final = _cosines()


def pixels(image: Image.Image) -> bytes:
    """Return the digest of an image in mode RGB: its size and each pixel (BLAKE2b, 16 octets)."""
    digest = hashlib.blake2b(b"%d %d " % image.size, digest_size=16)
    digest.update(image.tobytes())
    return digest.digest()


def shape(image: Image.Image) -> bytes:
    """Return 32 octets that are nearly the same for images that look the same; none for one with too little in it."""
    grey = image.convert("L")
    left, top, right, bottom = without_edges(grey)
    if right - left < _LEAST[0] or bottom - top < _LEAST[1]:
        return b""
    small = np.asarray(grey.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS, (left, top, right, bottom)), np.float32)
    if small.std() < _LEAST_SPREAD:
        return b""
    low = (_COSINES @ small @ _COSINES.T).ravel()
    # The first is the mean of all: how light the image is.
    low[0] = 0
    return np.packbits(low > np.median(low[1:])).tobytes()


def without_edges(grey: Image.Image) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what lies within rows and columns of one colour at the edges.

    It is looked for at a smaller size, and specks are wiped away first.
    """
    factor = -(-max(grey.size) // _LARGE)
    lines = np.asarray((grey.reduce(factor) if factor > 1 else grey).filter(ImageFilter.MedianFilter(3)))
    top, bottom, left, right = 0, lines.shape[0], 0, lines.shape[1]
    # Again, since a margin may be within a frame.
    for _ in range(_FRAMES):
        first, last = _inner(lines[top:bottom, left:right])
        top, bottom = top + first, top + last
        first, last = _inner(lines[top:bottom, left:right].T)
        left, right = left + first, left + last
    return factor * left, factor * top, min(factor * right, grey.size[0]), min(factor * bottom, grey.size[1])


def _inner(lines: Grey) -> tuple[int, int]:
    """Return the first line that is not of one colour, and the one behind the last."""
    if not lines.size:
        return 0, 0
    own = np.median(lines, axis=1).astype(np.int16)[:, None]
    specks = (np.abs(lines.astype(np.int16) - own) > _DIFFERENT).mean(axis=1)
    busy = np.flatnonzero(specks > _SPECKS)
    return (int(busy[0]), int(busy[-1]) + 1) if len(busy) else (0, 0)
