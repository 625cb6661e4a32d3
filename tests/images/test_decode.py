"""Images are decoded within caps, and broken ones as far as they go."""

import io
import time

import pytest
from PIL import Image

from tamis import limits
from tamis.images.decode import Refused, decode
from tests.images.drawn import bomb, drawn, saved


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_what_mail_clients_show(kind: str) -> None:
    decoded = decode(saved(drawn(), kind))
    assert (decoded.width, decoded.height, decoded.frames, decoded.image.mode) == (480, 240, 1, "RGB")


@pytest.mark.parametrize("kind", ["TIFF", "PPM", "ICO"])
def test_other_decoders_are_not_reached(kind: str) -> None:
    with pytest.raises(Refused, match="cannot be decoded"):
        decode(saved(drawn(size=(64, 64)), kind))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_a_truncated_image_is_decoded_as_far_as_it_goes(kind: str) -> None:
    data = saved(drawn(), kind)
    decoded = decode(data[: len(data) * 2 // 3])
    assert decoded.image.size == (480, 240)
    # The upper half is all there.
    assert decoded.image.crop((0, 0, 480, 60)).convert("L").getextrema()[0] < 100


def test_transparency_is_over_white() -> None:
    layer = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    layer.paste((255, 0, 0, 255), (10, 10, 30, 30))
    decoded = decode(saved(layer))
    assert decoded.image.getpixel((0, 0)) == (255, 255, 255)
    assert decoded.image.getpixel((20, 20)) == (255, 0, 0)


@pytest.mark.slow
def test_two_hundred_megapixels_are_refused_by_the_header() -> None:
    began = time.process_time()
    with pytest.raises(Refused, match=r"20,000 x 10,000 pixels, more than 25,000,000"):
        decode(bomb(20_000, 10_000))
    assert time.process_time() - began < 2.0  # Making it takes longer than refusing it.


def test_a_header_that_lies_is_refused() -> None:
    with pytest.raises(Refused):
        decode(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(Refused):
        decode(b"GIF89a")


def test_what_is_shown_longest_comes_first() -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in ("red", "green", "blue")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[100, 5000, 100], loop=0)
    decoded = decode(data)
    assert decoded.frames == 3
    assert decoded.image.getpixel((5, 5)) == (0, 128, 0)


def test_frames_are_composed() -> None:
    """Each frame brings a part of the text only; what stays on the screen is all of it."""
    base = Image.new("P", (60, 60))
    base.putpalette([255, 255, 255, 255, 0, 0, 0, 0, 255])
    right = base.copy()
    base.paste(1, (0, 0, 20, 60))
    right.paste(2, (40, 0, 60, 60))
    data = saved(base, "GIF", save_all=True, append_images=[right], duration=100, transparency=0, disposal=1)
    image = decode(data).image
    assert image.getpixel((5, 5)) == (255, 0, 0)
    assert image.getpixel((50, 5)) == (0, 0, 255)


def test_frames_are_capped() -> None:
    frames = [Image.new("L", (8, 8), number) for number in range(60)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    assert decode(data).frames == limits.IMAGE_FRAMES


def test_a_large_jpeg_is_decoded_smaller() -> None:
    file = io.BytesIO()
    Image.new("L", (6000, 5000), 200).save(file, "JPEG")
    decoded = decode(file.getvalue())
    assert (decoded.width, decoded.height) == (6000, 5000)
    assert decoded.image.size == (3000, 2500)
