"""What row 21 finds of image spam it has not seen, and what an image costs: `python -m benchmarks.image_spam CORPUS`.

CORPUS is the unpacked corpus image-spam. Half of its spam images are learned, as `tamis image learn` does, and the row
is asked about the other half and about all ham images, each in a message of its own, with the shipped rules: the first
half and the second, then the other way round, and every second image. Real readers, as many as there are processors.

33 of the 300 images labelled ham are advertisements for pills, shares and software, as anybody can see, out of messages
that somebody labelled ham; some stand on the spam side, too. They are counted apart (`ADVERTS`).
"""

import argparse
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tamis.contract import Abstain, Context
from tamis.filters.ocr import Ocr
from tamis.images.answers import Look, Request, Task
from tamis.images.known import KnownImages
from tamis.images.known_writer import Row, build
from tamis.images.own_pool import OwnReaders
from tamis.images.parts import Images
from tamis.images.pictures import Pictures
from tamis.images.reader import answer
from tamis.images.store import Learned, row_of
from tamis.mail import Mail
from tamis.message import Message
from tamis.rules.matching import Rules
from tamis.rules.shipped import shipped_rules
from tamis.settings import Images as Settings

PATIENCE = 60.0
ADVERTS: Final = """
0424fae5548d5200 1f3c35afc6181728 4005439b07da6745 453cdbf3db19e91b 4827c902af82d96a 524ff24b95e8afd2
53e256da37178045 54abf68f3226a893 568f4d7dc6485df0 5d4cca71434297d0 6389f81d0f47ebbf 71a7f51550517347
727b6c4d2ea89a67 82b698282111b06a 88ce84924b0d7c5d 9df402e1890eba75 a3ef629d8a72b05b a60232ee9fb52e39
a9ee2b339da2a0a9 ac2bacbf6c72669b bac2569ceaf8e7a2 bc3c817537a177c7 c4330102785428ab c919b5365e1002c5
d01463b26a433c3a d9229122205b6256 e11e906b63c878c2 ea43abdbf1852e6d eb969957fafec9e1 f190e4f99b43b45f
f42fb2c448bead6e f8fcca5e71a6b5b1 fb84f9ea69909afb
"""
"""What tells them in the names of their files."""


class Memory:
    """Remembers what the readers said, as Redis does."""

    def __init__(self) -> None:
        self.known: dict[bytes, bytes] = {}

    def fetch(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return [self.known.get(key) for key in keys]

    def remember(self, answers: Mapping[bytes, bytes]) -> None:
        self.known |= answers


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.image_spam", description=__doc__)
    parser.add_argument(
        "corpus", type=Path, default=Path(os.environ.get("TAMIS_CORPORA", "."), "image-spam"), nargs="?"
    )
    parser.add_argument("--every", type=int, default=1, help="take each n-th image only (default: %(default)s)")
    parser.add_argument("--reasons", action="store_true", help="say why each image labelled ham is decided on")
    args = parser.parse_args()
    files = read_index(args.corpus, args.every)
    memory, readers = Memory(), OwnReaders(Settings(), PATIENCE)
    readers.ask(Task.LOOK, next(iter(files["spam"].values())), time.monotonic() + PATIENCE)
    time_processor([*files["spam"].values(), *files["ham"].values()][::20])
    time_images({**files["spam"], **files["ham"]}, readers, memory)
    spam, middle = list(files["spam"]), len(files["spam"]) // 2
    for name, learned, asked in (
        ("first half learned", spam[:middle], spam[middle:]),
        ("second half learned", spam[middle:], spam[:middle]),
        ("every second learned", spam[::2], spam[1::2]),
    ):
        known = learn([files["spam"][one] for one in learned], readers, memory)
        others = [files["spam"][one] for one in asked]
        print(f"{name}: of {len(others)} spam images {count(known, others, readers, memory)}")
        for what, adverts in (("ham images", False), ("adverts labelled ham", True)):
            chosen = [data for one, data in files["ham"].items() if any(id in one for id in ADVERTS.split()) is adverts]
            print(f"    of {len(chosen)} {what} {count(known, chosen, readers, memory, args.reasons)}")
    readers.close()
    time_look_ups(100_000)
    return 0


def read_index(corpus: Path, every: int = 1) -> dict[str, dict[str, bytes]]:
    """Return the images of each label by their names, in the order of the index."""
    rows = [line.split("\t") for line in (corpus / "index.tsv").read_text("utf-8").splitlines()]
    return {
        label: {
            Path(row[1]).name: (corpus / row[1]).read_bytes() for row in [r for r in rows if r[0] == label][::every]
        }
        for label in ("spam", "ham")
    }


def time_images(files: Mapping[str, bytes], readers: OwnReaders, memory: Memory) -> None:
    """Look at and read each image, and print what that took; then again, from memory."""
    for name in ("cold", "cached"):
        took: dict[str, list[float]] = {"looked at": [], "read": []}
        for data in files.values():
            pictures = Pictures(Images((data,)), readers, memory, seconds=PATIENCE)
            for what, do in (("looked at", pictures.looks), ("read", pictures.texts)):
                began = time.perf_counter()
                do()
                took[what].append(1000 * (time.perf_counter() - began))
        for what, times in took.items():
            tenth = statistics.quantiles(times, n=10)[-1]
            mean, median = statistics.mean(times), statistics.median(times)
            print(
                f"{what}, {name}: {median:.2f} ms an image (median), {mean:.2f} (mean), {tenth:.2f} (a tenth is above)"
            )


def time_processor(files: Sequence[bytes]) -> None:
    """Look at and read images in this process, and print the processor time, that of tesseract included."""
    os.environ["OMP_THREAD_LIMIT"] = "1"
    for task in Task:
        times = []
        for data in files:
            began = _processor()
            answer(Request(task, PATIENCE, data), Settings().languages, time.monotonic() + PATIENCE)
            times.append(1000 * (_processor() - began))
        print(f"{task}: {statistics.median(times):.0f} ms CPU an image (median), {statistics.mean(times):.0f} (mean)")


def _processor() -> float:
    """Seconds of a processor, of this process and of what it has started."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def learn(images: Sequence[bytes], readers: OwnReaders, memory: Memory) -> KnownImages:
    """Return known images, learned as a person would who names the files."""
    rows = []
    for data in images:
        pictures = Pictures(Images((data,)), readers, memory, seconds=PATIENCE)
        text = pictures.text
        rows += [row_of(Learned(data, picture.look, text)) for picture in pictures.all if picture.look]
    return KnownImages(build(rows))


def count(
    known: KnownImages, images: Sequence[bytes], readers: OwnReaders, memory: Memory, reasons: bool = False
) -> str:
    """Return how many of the images the row decides on, and by which test; print why, where that is asked for."""
    tests: dict[str, int] = {}
    rules = Rules(shipped_rules())
    for data in images:
        pictures = Pictures(Images((data,)), readers, memory, known, seconds=PATIENCE)
        mail = Mail(Message(b""))
        context = Context(options=Ocr.Options(), pictures=pictures, rules=rules.look_at(mail.message))
        try:
            # Several rules may decide on one image.
            hits = [hit for hit in Ocr().check(mail, context) if hit.decides]
            for test in {hit.name for hit in hits}:
                tests[test] = tests.get(test, 0) + 1
            if reasons and hits:
                print("       ", hits[0].because)
        except Abstain:
            tests["abstained"] = tests.get("abstained", 0) + 1
    decided = sum(number for test, number in tests.items() if test != "abstained")
    which = ", ".join(f"{test} {number}" for test, number in sorted(tests.items()))
    return f"it decides on {decided} ({decided / max(1, len(images)):.1%}): {which or 'none'}"


def time_look_ups(images: int) -> None:
    """Print what it takes to ask whether an image is known, of so many."""
    random = np.random.default_rng(1)
    rows = (
        Row(
            random.bytes(16),
            random.bytes(16),
            random.bytes(32),
            64,
            np.sort(random.integers(0, 2**32, 64, "u4")).tobytes(),
        )
        for _ in range(images)
    )
    known = KnownImages(build(rows))
    text = " ".join("".join(map(chr, random.integers(97, 123, 6))) for _ in range(200))
    look = Look(100, 100, 1, random.bytes(16), random.bytes(32), ())
    digest = random.bytes(16)
    questions: tuple[tuple[str, Callable[[], object]], ...] = (
        ("the octets", lambda: known.by_octets(digest)),
        ("pixels and looks", lambda: known.by_look(look)),
        ("a text of 200 words", lambda: known.by_text(text)),
    )
    for name, ask in questions:
        times = []
        for _ in range(50):
            began = time.process_time()
            ask()
            times.append(1000 * (time.process_time() - began))
        print(f"{name}, of {images:,} known: {statistics.median(times):.2f} ms CPU")


if __name__ == "__main__":
    sys.exit(main())
