"""Row 21: images that are known, and what images say. The readers are real."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.contract import Abstain, Context
from tamis.filters.ocr import Ocr
from tamis.images.client import NoReaders, Readers, SocketReaders
from tamis.images.known import KnownImages
from tamis.images.known_writer import build
from tamis.images.learning import images_to_learn
from tamis.images.pictures import Pictures
from tamis.images.pool_process import PoolProcess
from tamis.images.store import Learned, row_of
from tamis.message import Message
from tamis.testing import hits, mail
from tests.images.drawn import FRENCH, MINUTES, PILLS, bomb, drawn, letter, saved, speckled

pytestmark = pytest.mark.slow
PATIENCE = 20.0
SPAM = saved(drawn())


@pytest.fixture(scope="module")
def readers() -> Iterator[SocketReaders]:
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        pool = PoolProcess(Path(folder) / "s", Path(folder) / "files", 2, "tesseract", ("eng", "fra"))
        pool.start()
        yield SocketReaders(pool.path, PATIENCE)
        pool.stop()


@pytest.fixture(scope="module")
def known(readers: SocketReaders) -> KnownImages:
    """Knows one spam image."""
    images, trouble = images_to_learn(Message(letter(SPAM)), readers, seconds=PATIENCE)
    assert (len(images), trouble) == (1, "")
    return KnownImages(build([row_of(images[0])]))


def asked(
    raw: bytes, readers: Readers, known: KnownImages | None = None, options: Ocr.Options | None = None
) -> list[str]:
    message = mail(raw)
    pictures = Pictures(message.message, readers, known=known, seconds=PATIENCE)
    return hits(Ocr(), message, options, pictures=pictures)


@pytest.mark.parametrize(
    "image",
    [
        SPAM,
        saved(drawn(), "BMP"),
        saved(speckled(drawn(ink="navy", page="#ffffee")), "GIF"),
        saved(drawn(size=(600, 300), at=(50, 40)), "JPEG", quality=60),
    ],
    ids=["octets", "pixels", "dots", "jpeg"],
)
def test_a_known_image(readers: SocketReaders, known: KnownImages, image: bytes) -> None:
    assert asked(letter(image), readers, known) == ["IMAGE_KNOWN"]


def test_what_a_known_image_says(readers: SocketReaders, known: KnownImages) -> None:
    """Its lines in another order, with another beside them: it looks different, and says the same."""
    lines = (*reversed(PILLS), "www.other.example")
    image = saved(drawn(lines, size=(520, 260), page="#eeeeff"))
    assert asked(letter(image), readers, known) == ["OCR_KNOWN"]
    assert asked(letter(image), readers, known, Ocr.Options(text=False)) == []


RULES = """
[rule.pharmacy]
description = "a pharmacy"
where = ["ocr"]
patterns = ["canadian pharmacy"]
decides = true

[rule.ship]
description = "shipping"
where = ["text", "ocr"]
patterns = ["ship worldwide"]
score = 0.75
"""


def test_what_rules_look_for(readers: SocketReaders) -> None:
    message = mail(letter(SPAM, text="A letter of more than a few words, with an image."))
    pictures = Pictures(message.message, readers, seconds=PATIENCE)
    assert hits(Ocr(), message, pictures=pictures, rules=RULES) == ["OCR_RULE", "OCR_RULE"]
    without = Ocr.Options(without=("pharmacy",))
    assert hits(Ocr(), message, without, pictures=pictures, rules=RULES) == ["OCR_RULE"]
    assert hits(Ocr(), message, Ocr.Options(text=False), pictures=pictures, rules=RULES) == []


@pytest.mark.parametrize("raw", [b"Subject: x\n\nhello\n", letter(text="hello"), letter(b"GIF no image", text="hello")])
def test_clean_without_images_nothing_is_asked(raw: bytes, known: KnownImages) -> None:
    assert asked(raw, NoReaders(), known) == []


def test_clean_images(readers: SocketReaders, known: KnownImages) -> None:
    text = "Here are the minutes, and a photograph of the house."
    assert asked(letter(saved(drawn(MINUTES)), saved(drawn(FRENCH)), text=text), readers, known) == []


def test_much_in_images_and_nothing_beside_them(readers: SocketReaders) -> None:
    assert asked(letter(saved(drawn((*MINUTES, *FRENCH), size=(480, 340)))), readers) == ["OCR_ONLY"]


def test_the_ground_names_the_known_image(readers: SocketReaders, known: KnownImages) -> None:
    message = mail(letter(SPAM))
    pictures = Pictures(message.message, readers, known=known, seconds=PATIENCE)
    (hit,) = Ocr().check(message, Context(options=Ocr.Options(), pictures=pictures))
    assert hit.decides
    assert hit.because.startswith(f"an image of {len(SPAM):,} octets: known spam image ")
    assert hit.because.endswith("(the same file)")


def test_error_what_cannot_be_decoded(readers: SocketReaders, known: KnownImages) -> None:
    with pytest.raises(Abstain, match=r"20,000 x 10,000 pixels, more than 25,000,000"):
        asked(letter(bomb(20_000, 10_000)), readers, known)
    # Which does not hide another.
    assert asked(letter(bomb(20_000, 10_000), SPAM), readers, known) == ["IMAGE_KNOWN"]


def test_error_without_readers(known: KnownImages) -> None:
    with pytest.raises(Abstain, match="nothing reads images here"):
        asked(letter(saved(drawn(MINUTES))), NoReaders(), known)
    # The same file is known without them.
    assert asked(letter(SPAM), NoReaders(), known) == ["IMAGE_KNOWN"]


def test_error_past_the_budget(readers: SocketReaders) -> None:
    message = mail(letter(saved(drawn(MINUTES))))
    pictures = Pictures(message.message, readers, deadline=time.monotonic() + 0.2)
    with pytest.raises(Abstain, match="the time for images is used up"):
        hits(Ocr(), message, pictures=pictures)


def test_learned_is_what_says_something(readers: SocketReaders) -> None:
    logo = saved(drawn(("My Bank",), size=(200, 80)))
    images, _ = images_to_learn(Message(letter(logo, SPAM)), readers, seconds=PATIENCE)
    assert [image.data for image in images] == [SPAM]
    assert isinstance(images[0], Learned)
