"""What the QR codes of an image say. Only the readers look for them (`tamis.images.pool`)."""

from typing import Final

import zxingcpp
from PIL import Image

from tamis import limits

_FORMATS: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.MicroQRCode])
_LARGE: Final = 2000
"""Pixels of the longer side of an image that is made smaller first, by a whole number."""


def codes(image: Image.Image) -> tuple[str, ...]:
    """Return the contents of an image's QR codes, each once."""
    grey = image.convert("L")
    if max(grey.size) > _LARGE:
        grey = grey.reduce(-(-max(grey.size) // _LARGE))
    found = zxingcpp.read_barcodes(grey, formats=_FORMATS, text_mode=zxingcpp.TextMode.Plain)
    texts = dict.fromkeys(one.text[: limits.CODE_CHARS] for one in found if one.text)
    return tuple(texts)[: limits.IMAGE_CODES]
