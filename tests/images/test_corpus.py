"""What row 21 finds on real image spam; the whole figures are those of `python -m benchmarks.image_spam`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.image_spam import ADVERTS, Memory, count, read_index
from tamis.images.answers import Look, Reply, Task
from tamis.images.client import NoReaders, SocketReaders
from tamis.images.decode import Refused, decode
from tamis.images.known import KnownImages
from tamis.images.known_writer import build
from tamis.images.parts import Images
from tamis.images.pictures import Pictures
from tamis.images.shape import pixels, shape
from tamis.images.store import Learned, row_of
from tamis.images.words import words
from tests.images.conftest import PATIENCE

pytestmark = [pytest.mark.corpora, pytest.mark.slow]


class Here(NoReaders):
    """Looks at images in this process, which is quicker, and reads none."""

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        if task is Task.READ:
            return Reply(text="")
        try:
            decoded = decode(data)
        except Refused as error:
            return Reply(refused=str(error))
        return Reply(look=Look(decoded.width, decoded.height, 1, pixels(decoded.image), shape(decoded.image), ()))


@pytest.fixture(scope="module")
def images(corpora: Path) -> dict[str, dict[str, bytes]]:
    return read_index(corpora / "image-spam")


def test_by_looks_alone(images: dict[str, dict[str, bytes]], record_property: Callable[[str, object], None]) -> None:
    readers, memory = Here(), Memory()
    spam = list(images["spam"].values())
    honest = [data for name, data in images["ham"].items() if not any(id in name for id in ADVERTS.split())]
    assert len(honest) == 267
    for learned, asked in ((spam[:200], spam[200:]), (spam[200:], spam[:200])):
        rows = []
        for data in learned:
            (picture,) = Pictures(Images((data,)), readers, memory).all
            look = readers.ask(Task.LOOK, data, 0).look
            rows += [row_of(Learned(picture.data, look, ""))] if look else []
        known = KnownImages(build(rows))
        found, wrong = count(known, asked, readers, memory), count(known, honest, readers, memory)
        record_property("counted", f"known by looks alone, of 200 others: {found}; of 267 honest: {wrong}")
        assert int(found.split()[3]) >= 115
        assert int(wrong.split()[3]) == 0


def test_text_is_read(images: dict[str, dict[str, bytes]], readers: SocketReaders) -> None:
    """Plain tesseract finds three words in 28 of 40, it is said."""
    chosen = list(images["spam"].values())[::40]
    texts = [Pictures(Images((data,)), readers, seconds=PATIENCE).text for data in chosen]
    assert sum(len(words(text)) >= 3 for text in texts) >= len(texts) - 1


def test_no_image_makes_the_readers_fail(images: dict[str, dict[str, bytes]]) -> None:
    """Some are truncated on purpose."""
    # Not before: what the garbage collector no longer looks at, this library takes for a leak.
    from tamis.images.codes import codes

    refused = 0
    for data in [*images["spam"].values(), *images["ham"].values()][::3]:
        try:
            codes(decode(data).image)
        except Refused:
            refused += 1
    assert refused == 0
