"""What the text of an image says, as a sketch: so that a known text is known again though it was read with mistakes.

Spam images of one campaign differ in colours, sizes and noise, and in a domain or a price; most of their text is the
same. A text is cut into all its runs of some letters. The sketch of a known one is the runs with the lowest hashes, a
sample that does not depend on who takes it: the share of it that another text has estimates how much of the known text
it says.
"""

import re
import unicodedata
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

RUN: Final = 7
"""Letters of a run, spaces among them. With five, letters of honest people say by chance what an image says."""
SKETCH: Final = 64
"""Runs that a sketch keeps."""
LEAST: Final = 40
"""Runs that a text must have to be known by: some eight words."""
_WORD: Final = re.compile(r"[^\W\d_]{3,}")

Hashes = NDArray[np.uint32]


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents; of fewer than three letters they are noise."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


def runs(text: str) -> Hashes:
    """Return the hashes of a text's runs, sorted, each once."""
    joined = " ".join(words(text)).encode("utf-8", "replace")
    found = {zlib.crc32(joined[at : at + RUN]) for at in range(len(joined) - RUN + 1)}
    return np.sort(np.fromiter(found, np.uint32, len(found)))


def sketch(found: Hashes) -> Hashes:
    """Return the sketch of a text by its runs, none of one that is too short."""
    return found[:SKETCH] if len(found) >= LEAST else found[:0]
