"""Reading the text of an image with tesseract, by pytesseract. Only the readers do (`tamis.images.pool`).

Spam hides its text from such reading: letters of a colour as light as the page behind them, small, light on dark. So
colours are projected onto the line along which they differ most, small images are made larger, and dark ones
inverted.
"""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import pytesseract
from PIL import Image, ImageOps

from tamis import limits
from tamis.images.decode import Decoded
from tamis.images.shape import shape

_ENLARGED: Final = 2.0
"""Letters of 10 pixels, as programs write them, become 20; tesseract wants no fewer."""
_CLIPPED: Final = (0.5, 99.5)
"""Percentiles of light that become black and white."""
_DARK: Final = 110.0
"""The median light (0 to 255) of an image with light text on a dark page is below."""
_SAMPLED: Final = 200_000
"""Pixels by which the colours are judged, about."""
_SAME_FRAME: Final = 10
"""Bits of the shape by which frames that say the same differ at most."""
_PAGE: Final = "--psm 3"
"""Find blocks of text by itself."""


class CannotRead(Exception):
    """There is no text to be had from this installation; the text says why."""


def usable(languages: Sequence[str]) -> str:
    """Return those of the languages that tesseract has, as it wants them named. Raises `CannotRead`."""
    try:
        there = pytesseract.get_languages()
    except (pytesseract.TesseractNotFoundError, OSError):
        raise CannotRead("tesseract is not installed") from None
    found = [language for language in languages if language in there]
    if not found:
        raise CannotRead(f"tesseract has none of the languages {', '.join(languages)}")
    return "+".join(found)


def read(decoded: Decoded, languages: str, deadline: float) -> str:
    """Return the text of the frames that differ, one after the other.

    Raises RuntimeError at the deadline (monotonic seconds), and what else pytesseract raises.
    """
    texts: dict[str, None] = {}
    seen: list[bytes] = []
    for frame in decoded.kept:
        bits = shape(frame.image)
        if any(_distance(bits, other) <= _SAME_FRAME for other in seen):
            continue
        seen.append(bits)
        prepared = _prepared(frame.image)
        left = max(0.1, deadline - time.monotonic())
        text = pytesseract.image_to_string(prepared, lang=languages, config=_PAGE, timeout=left)
        texts[text.strip()] = None
    return "\n".join(texts)[: limits.OCR_CHARS]


def _distance(one: bytes, other: bytes) -> int:
    if len(one) != len(other):
        return 8 * max(len(one), len(other))
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def _prepared(image: Image.Image) -> Image.Image:
    """Return an image in grey, black on white as far as can be told, at a size that tesseract likes."""
    width, height = image.size
    scale = min(_ENLARGED, (limits.OCR_PIXELS / (width * height)) ** 0.5)
    if scale < 1:
        image = image.resize(_scaled(image, scale), Image.Resampling.LANCZOS)
    grey = _contrast(image)
    if scale > 1:
        grey = grey.resize(_scaled(grey, scale), Image.Resampling.LANCZOS)
    return ImageOps.invert(grey) if float(np.median(np.asarray(grey))) < _DARK else grey


def _scaled(image: Image.Image, scale: float) -> tuple[int, int]:
    return max(1, round(image.size[0] * scale)), max(1, round(image.size[1] * scale))


def _contrast(image: Image.Image) -> Image.Image:
    """Return an image's colours projected onto their first principal component, stretched to black and white."""
    colours = np.asarray(image, np.float32).reshape(-1, 3)
    sample = colours[:: max(1, len(colours) // _SAMPLED)]
    centred = sample - sample.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    axis = axes[:, -1] if axes[:, -1].sum() >= 0 else -axes[:, -1]
    low, high = np.percentile(sample @ axis, _CLIPPED)
    stretched = (colours @ axis - low) * (255.0 / max(1.0, float(high - low)))
    grey = np.clip(stretched, 0, 255).astype(np.uint8).reshape(image.size[1], image.size[0])
    return Image.fromarray(grey)
