"""Folding: text as a reader takes it, so that one spelling of a rule meets all disguises of a word.

By default upper case becomes lower, accents go, what cannot be seen goes (zero-width and bidi controls), letters that
look like Latin ones become those, l e t t e r s spaced out or d.o.t.t.e.d are joined, and white space is one space.
Each of the first, second, fourth and fifth can be kept.
"""

import re
import unicodedata
from functools import partial
from typing import Final

from tamis import limits
from tamis.rules.folder import Folder
from tamis.rules.lookalikes import LETTERS, PUNCTUATION, UNDECOMPOSED

Keep = frozenset[str]
"""What is not folded: of case, accents, letters and spacing."""

KEEPABLE: Final = ("case", "accents", "letters", "spacing")

_INVISIBLE: Final = dict.fromkeys(
    (
        *(code for code in range(0x20) if code not in (0x09, 0x0A, 0x0B, 0x0C, 0x0D)),
        *(0x7F, 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFEFF, 0xFFA0),
        *range(0x80, 0x85),
        *range(0x86, 0xA0),
        *range(0x180B, 0x1810),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xD800, 0xE000),
        *range(0xFE00, 0xFE10),
        *range(0xFFF0, 0xFFFC),
        *range(0xE0000, 0xE1000),
    )
)
"""Controls, what has no width, what changes the direction, variation selectors, tags, and halves of surrogates."""
_ACCENTS: Final = dict.fromkeys(range(0x300, 0x370))
_SPACED: Final = re.compile(r"(?<![^\W_])[^\W_]([ .·*_~|-])(?:[^\W_]\1){2,60}[^\W_](?![^\W_])")
_SIGMA: Final = "Σ"
_JAMO: Final = (range(0x1161, 0x1176), range(0x11A8, 0x11C3))
"""Vowels and last consonants of Hangul, which make a syllable with what stands before."""
_LEAST_LETTERS: Final = 4
_ONE_LETTER_WORDS: Final = "aiyo"


def _table(keep: Keep) -> dict[int, str | None]:
    table: dict[int, str | None] = {**_INVISIBLE, **PUNCTUATION}
    if "letters" not in keep:
        table |= LETTERS
    if "accents" not in keep:
        table |= {**_ACCENTS, **UNDECOMPOSED}
    return table


_FOLDERS: Final[dict[Keep, Folder]] = {}
_TABLES: Final[dict[Keep, dict[int, str | None]]] = {}
_SAME: Final = re.escape("".join(chr(code) for code in range(128) if code not in _table(frozenset())))
_CHANGED: Final = re.compile(f"[^{_SAME}]+(?: [^{_SAME}]+)*")
"""What a table may change, with single spaces between."""


def characters(text: str, keep: Keep) -> str:
    """Fold each character but for its case: what is done to patterns as to text."""
    if "letters" in keep:
        text = unicodedata.normalize("NFC" if "accents" in keep else "NFD", text)
    else:
        text = unicodedata.normalize("NFKC" if "accents" in keep else "NFKD", text)
    known = keep & {"letters", "accents"}
    if known not in _TABLES:
        _TABLES[known] = _table(known)
    # Most of a Western text is ASCII that no table changes, and each character looked up takes its time.
    text = _CHANGED.sub(lambda run: run[0].translate(_TABLES[known]), text)
    return unicodedata.normalize("NFC", text)


def fold(text: str, keep: Keep = frozenset()) -> str:
    """Return a text folded, on one line, at most some `limits.RULE_TEXT_CHARS` long. Its time is linear.

    It is what `described` says, which the compiled `Folder` does in one pass. Left to that itself are texts with a
    capital sigma, what grows too long, and some with very many marks.
    """
    text = text[: limits.RULE_TEXT_CHARS]
    line = _folder(keep).line(text)
    return described(text, keep) if line is None else line


def described(text: str, keep: Keep) -> str:
    """Return a text folded, a step at a time: what `fold` says."""
    text = text[: limits.RULE_TEXT_CHARS]
    ascii_only = text.isascii()
    text = text.translate(_INVISIBLE) if ascii_only else characters(text, keep)[: 2 * limits.RULE_TEXT_CHARS]
    if "case" not in keep:
        text = text.lower()
    if "spacing" not in keep:
        text = _SPACED.sub(_joined, text)
    return " ".join(text.split())


def _folder(keep: Keep) -> Folder:
    if keep not in _FOLDERS:
        plain = "".join(chr(code).translate(_INVISIBLE) or "\0" for code in range(128))
        plain = plain if "case" in keep else plain.lower()
        most, joins = 2 * limits.RULE_TEXT_CHARS, "spacing" not in keep
        _FOLDERS[keep] = Folder(plain, partial(_alone, keep=keep), partial(_together, keep=keep), most, joins)
    return _FOLDERS[keep]


def _together(text: str, keep: Keep) -> str | None:
    """Fold what stands together, white space apart. None where there is a sigma, which has two small ones."""
    folded = characters(text, keep)
    if "case" in keep:
        return folded
    return None if _SIGMA in folded else folded.lower()


def _alone(letter: str, keep: Keep) -> str | None:
    """Return what a character becomes whatever stands beside it, or None where that depends on what does."""
    folded = _together(letter, keep)
    if not folded:
        # Between others, what goes makes a difference where they are composed before it goes.
        return None if folded is None or ("accents" in keep and _joins(letter)) else folded
    decomposed = unicodedata.normalize("NFD" if "letters" in keep else "NFKD", letter)
    return None if _joins(decomposed) or _joins(unicodedata.normalize("NFD", folded)) else folded


def _joins(text: str) -> bool:
    """Whether the first character of a text may make one with what stands before it, or change places."""
    first = text[0]
    return unicodedata.category(first).startswith("M") or any(ord(first) in some for some in _JAMO)


def _joined(found: re.Match[str]) -> str:
    """Join spaced letters; with what remains when the first is a word of its own ("a v i a g r a")."""
    word = found[0].replace(found[1], "")
    if sum(map(str.isalpha, word)) < _LEAST_LETTERS:
        return found[0]
    return f"{word} {word[1:]}" if word[0] in _ONE_LETTER_WORDS else word
