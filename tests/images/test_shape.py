"""The shape of an image survives what spam varies, and tells different images apart."""

import pytest
from PIL import Image, ImageEnhance, ImageOps

from tamis.images.decode import decode
from tamis.images.known import RADIUS
from tamis.images.shape import BITS, pixels, shape
from tests.images.drawn import FRENCH, MINUTES, drawn, saved, speckled


def apart(one: Image.Image, other: Image.Image) -> int:
    first, second = shape(one), shape(other)
    assert len(first) == len(second) == BITS // 8
    return (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()


@pytest.mark.parametrize(
    "varied",
    [
        speckled(drawn()),
        drawn(ink="navy", page="#ffffe0"),
        drawn(ink="#223344", page="#cdeacd"),
        drawn(size=(560, 330), at=(60, 70)),
        ImageOps.expand(drawn(), 9, "red"),
        ImageOps.expand(speckled(drawn()), (0, 0, 31, 17), "black"),
        drawn().resize((336, 168), Image.Resampling.LANCZOS),
        drawn().resize((720, 330), Image.Resampling.BILINEAR),
        ImageEnhance.Brightness(drawn()).enhance(0.8),
        decode(saved(drawn(), "JPEG", quality=30)).image,
    ],
    ids=["dots", "colours", "colours2", "margins", "frame", "bars", "smaller", "larger", "darker", "jpeg"],
)
def test_what_spam_varies(varied: Image.Image) -> None:
    assert apart(drawn(), varied) <= RADIUS
    assert pixels(drawn()) != pixels(varied)


@pytest.mark.parametrize("lines", [MINUTES, FRENCH], ids=["minutes", "french"])
def test_other_images_are_further_away(lines: tuple[str, ...]) -> None:
    assert apart(drawn(), drawn(lines)) > 1.5 * RADIUS


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (500, 500), "white"),
        Image.new("RGB", (1, 1)),
        Image.linear_gradient("L").convert("RGB").crop((0, 100, 256, 110)),
        speckled(Image.new("RGB", (300, 200), "white"), 0.005),
        drawn(("x",), size=(40, 40), at=(10, 10)),
    ],
    ids=["empty", "spacer", "rule", "dots", "letter"],
)
def test_too_little_in_it_to_tell(image: Image.Image) -> None:
    assert shape(image) == b""


def test_the_same_pixels_in_another_file() -> None:
    assert pixels(decode(saved(drawn(), "PNG")).image) == pixels(decode(saved(drawn(), "BMP")).image)
