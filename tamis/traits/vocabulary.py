"""What the words speak of: subjects that come up in spam or in honest mail, in several languages (words.toml)."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

import re2

from tamis import limits
from tamis.traits.family import Family, Numbers
from tamis.traits.letter import Letter
from tamis.traits.marks import Patterns, read_toml
from tamis.traits.phrases import Phrases, Plain
from tamis.traits.spelled_out import NotPlain, alternatives, spelled_out
from tamis.traits.weights import asked

TOPICS: Final = read_toml("words.toml")
FLAGS: Final = {name: f"words about {topic['about']}" for name, topic in TOPICS.items()}
_TOGETHER: Final = 24
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_PREFIX: Final = re.compile(r"[a-z ]*(?![?*{])")


def plain(text: str) -> str:
    """Return a text in small letters without accents."""
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).replace("’", "'")
    return text.lower()


PLAIN: Final = Plain(plain)


@cache
def patterns() -> Patterns:
    """The expressions of all topics, for RE2."""
    return Patterns({name: rf"\b(?:{topic['words']})\b" for name, topic in TOPICS.items()}, _TOGETHER)


class Topics:
    """Some topics, ready to be looked for: plain phrases together, and what is more than that where it may begin."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        phrases: list[tuple[bytes, int, int]] = []
        self._rest: list[tuple[str, bytes, re2.Pattern]] = []
        for number, name in enumerate(names):
            for alternative in alternatives(TOPICS[name]["words"]):
                try:
                    phrases += [(text.encode(), tail, number) for text, tail in spelled_out(alternative)]
                except NotPlain:
                    prefix = _PREFIX.match(alternative)
                    begins = prefix[0].encode() if prefix else b""
                    self._rest.append((name, begins, re2.compile(rf"\b(?:{alternative})\b")))
        self._phrases = Phrases(phrases)

    def found(self, octets: bytes) -> set[str]:
        """Return the topics of a text that `Plain` has made plain."""
        found = {self._names[number] for number in self._phrases.found(octets)}
        found.update([name for name, begins, rest in self._rest if begins in octets and rest.search(octets)])
        return found


_ASKED: Final = Topics([name for name in TOPICS if name in asked()])


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    octets = PLAIN.of(f"{letter.subject}\n{letter.text[: limits.TRAIT_WORD_CHARS]}")
    yield from patterns().found(octets, everything=True) if letter.everything else _ASKED.found(octets)


FAMILY: Final = Family("vocabulary", "what the words of Subject and text are about", _look, flags=FLAGS)
