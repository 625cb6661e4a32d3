"""Folding: text as a reader takes it, so that one spelling of a rule meets all disguises of a word.

By default upper case becomes lower, accents go, what cannot be seen goes (zero-width and bidi controls), letters that
look like Latin ones become those, l e t t e r s spaced out or d.o.t.t.e.d are joined, and white space is one space.
Each of the first, second, fourth and fifth can be kept.
"""

import re
import unicodedata
from typing import Final

from tamis import limits
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
_CLASSES: Final = bytes(97 if chr(code).isalnum() or chr(code) == "?" else code for code in range(128)) + bytes(128)
"""Letters and digits as one, and ? too, for which all stand that are not ASCII."""
_MAY_BE_SPACED: Final = tuple(f"a{one}a{one}a{one}a".encode() for one in " .*_~|-")
_LEAST_LETTERS: Final = 4
_ONE_LETTER_WORDS: Final = "aiyo"


def _table(keep: Keep) -> dict[int, str | None]:
    table: dict[int, str | None] = {**_INVISIBLE, **PUNCTUATION}
    if "letters" not in keep:
        table |= LETTERS
    if "accents" not in keep:
        table |= {**_ACCENTS, **UNDECOMPOSED}
    return table


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
    """Return a text folded, on one line, at most some `limits.RULE_TEXT_CHARS` long. Its time is linear."""
    text = text[: limits.RULE_TEXT_CHARS]
    if not text.isascii():
        text = characters(text, keep)[: 2 * limits.RULE_TEXT_CHARS]
    elif not text.isprintable():
        text = text.translate(_INVISIBLE)
    if "case" not in keep:
        text = text.lower()
    if "spacing" not in keep and _may_be_spaced(text):
        text = _SPACED.sub(_joined, text)
    return " ".join(text.split())


def _may_be_spaced(text: str) -> bool:
    """Whether four letters or digits may stand apart in a text, of which most have none."""
    classes = text.encode("ascii", "replace").translate(_CLASSES)
    return "·" in text or any(one in classes for one in _MAY_BE_SPACED)


def _joined(found: re.Match[str]) -> str:
    """Join spaced letters; with what remains when the first is a word of its own ("a v i a g r a")."""
    word = found[0].replace(found[1], "")
    if sum(map(str.isalpha, word)) < _LEAST_LETTERS:
        return found[0]
    return f"{word} {word[1:]}" if word[0] in _ONE_LETTER_WORDS else word
