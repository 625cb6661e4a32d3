"""The text of a message in which people search: one spelling for what is stored and for what is asked."""

import itertools
import unicodedata
from collections.abc import Iterable
from typing import Final

OCTETS: Final = 2000
"""What is kept of it: an entry of PostgreSQL's indices has room for 2,700."""

_CODES: Final = 0x110000
_POSITIVE: Final = 0x7FFFFFFF
_ASKED: Final = 8
"""Pairs that are looked up for one search at most: more find hardly less, and take longer."""


def plain(text: str) -> str:
    """Return a text without regard to case, width and white space, as UTF-8 without NUL."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.encode("utf-8", "replace").decode().replace("\0", "?").split())


def searchable(texts: Iterable[str]) -> str:
    """Return texts, each on a line of its own and once, the first ones first where there is no room for all."""
    lines = "\n".join(dict.fromkeys(line for line in map(plain, texts) if line))
    return lines.encode()[:OCTETS].decode("utf-8", "ignore")


def pairs(text: str) -> list[int]:
    """Return numbers for each letter and each two neighbours in a text: what PostgreSQL's index of words holds.

    Different ones may have the same number; whoever asks compares the texts, too.
    """
    codes = list(map(ord, text))
    neighbours = {(first * _CODES + second) & _POSITIVE for first, second in itertools.pairwise(codes)}
    return sorted(neighbours | {code * _CODES & _POSITIVE for code in codes})


def some_pairs(text: str) -> list[int]:
    """Return those numbers by which a text is looked for: pairs from all over it, the letter where there is but one."""
    if len(text) < 2:
        return pairs(text)
    last = len(text) - 2
    steps = min(_ASKED - 1, last) or 1
    places = {last * step // steps for step in range(steps + 1)}
    return sorted({(ord(text[place]) * _CODES + ord(text[place + 1])) & _POSITIVE for place in places})
