"""From the octets of an image to pixels, within the caps of `tamis.limits`. Only the readers do that.

Truncated images are decoded as far as they go, as mail clients do. Frames of an animation are composed. What a
header says is looked at before any pixel is decoded.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageFile, UnidentifiedImageError

from tamis import limits

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
"""What mail clients show. Each format is a decoder that strangers can reach."""
_WHITE: Final = (255, 255, 255, 255)

ImageFile.LOAD_TRUNCATED_IMAGES = True
Image.MAX_IMAGE_PIXELS = limits.JPEG_PIXELS


class Refused(ValueError):
    """The image is not decoded; the text says why, in a few words that hold no wire data."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A composed frame over white (mode RGB), and for how many milliseconds it is shown."""

    image: Image.Image
    shown: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """Frames, those shown longest first; of those shown as long, the last. `frames` is how many were composed."""

    width: int
    height: int
    frames: int
    kept: tuple[Frame, ...]

    @property
    def image(self) -> Image.Image:
        """What a reader sees longest."""
        return self.kept[0].image


def decode(data: bytes) -> Decoded:
    """Return the image. Raises `Refused`, and MemoryError where the process has no room for it."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = image.size
        _check(image)
        frames = sorted(enumerate(_frames(image)), key=lambda one: (-one[1].shown, -one[0]))
    except Image.DecompressionBombError:
        raise Refused(f"it has more than {limits.JPEG_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise Refused("it cannot be decoded") from None
    except (Refused, MemoryError):
        raise
    except Exception as error:  # Decoders raise anything on broken images: struct.error, SyntaxError, EOFError...
        raise Refused(f"it cannot be decoded ({type(error).__name__})") from None
    if not frames:
        raise Refused("it cannot be decoded")
    return Decoded(width, height, len(frames), tuple(frame for _, frame in frames[: limits.OCR_FRAMES]))


def _check(image: Image.Image) -> None:
    """Refuse what is too large, by its header; have a large JPEG decoded at a smaller size."""
    width, height = image.size
    most = limits.JPEG_PIXELS if image.format == "JPEG" else limits.IMAGE_PIXELS
    if width * height > most:
        raise Refused(f"it has {width:,} x {height:,} pixels, more than {most:,}")
    if min(width, height) < 1:
        raise Refused("it has no pixels")
    if image.format == "JPEG" and width * height > limits.IMAGE_PIXELS:
        image.draft("RGB", (width // 2, height // 2))


def _frames(image: Image.Image) -> Iterator[Frame]:
    """Yield composed frames while there is room for their pixels."""
    room = limits.IMAGE_PIXELS
    for number in range(limits.IMAGE_FRAMES):
        try:
            if number:
                image.seek(number)
            # A frame may be larger than the header said.
            room -= image.size[0] * image.size[1]
            if number and room < 0:
                return
            flat = _over_white(image)
        except Exception:
            # What came before it was decoded; a client shows that much too.
            if number:
                return
            raise
        duration = image.info.get("duration", 0)
        yield Frame(flat, float(duration) if isinstance(duration, int | float) else 0.0)
        if not getattr(image, "is_animated", False):
            return


def _over_white(image: Image.Image) -> Image.Image:
    """Return the image without transparency, as on the white page of a mail client."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        page = Image.new("RGBA", layer.size, _WHITE)
        page.alpha_composite(layer)
        return page.convert("RGB")
    return image.convert("RGB")
