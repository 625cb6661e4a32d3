"""What the words speak of: subjects that come up in spam or in honest mail, in several languages (words.toml)."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from tamis import limits
from tamis.traits import native
from tamis.traits.family import Family, Numbers
from tamis.traits.letter import Letter
from tamis.traits.marks import Patterns, read_toml

TOPICS: Final = read_toml("words.toml")
FLAGS: Final = {name: f"words about {topic['about']}" for name, topic in TOPICS.items()}
_TOGETHER: Final = 24
_PATTERNS: Final = Patterns({name: rf"\b(?:{topic['words']})\b" for name, topic in TOPICS.items()}, _TOGETHER)
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")


def plain(text: str) -> str:
    """Return a text in small letters without accents."""
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).replace("’", "'")
    return text.lower()


def words_apart(text: str) -> bytes:
    """Return the same, its words one space apart, in UTF-8."""
    return native.words_apart(text) if text.isascii() else " ".join(plain(text).split()).encode("utf-8", "replace")


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    text = f"{letter.subject}\n{letter.text[: limits.TRAIT_WORD_CHARS]}"
    yield from _PATTERNS.found(words_apart(text), letter.everything)


FAMILY: Final = Family("vocabulary", "what the words of Subject and text are about", _look, flags=FLAGS)
