"""Letters that look like others: one look for all of them, and words that mix scripts.

A small table of our own: of the letters of Unicode's confusables (UTS 39) those that the eye takes for letters of ASCII
in the fonts of mail clients. Both sides of a comparison are brought to one look, so it need not be what either says.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_LOOKS: Final = {
    "a": "аɑαạȧ",
    "b": "ьƅЬ",
    "c": "сϲᴄ",
    "d": "ԁɗđ",
    "e": "еєҽεə",
    "f": "ƒ",
    "g": "ɡցɢ",
    "h": "һհħн",
    "j": "јϳ",
    "k": "кκ",
    "l": "iіıɩι1|ӏІǀł!",
    "m": "м",
    "n": "ոռηп",
    "o": "оοօσ0ø",
    "p": "рρ",
    "q": "ԛզ",
    "r": "гᴦ",
    "s": "ѕ5ꜱ",
    "t": "тτŧ",
    "u": "υսμ",
    "v": "ѵν",
    "w": "ԝѡω",
    "x": "хχ",
    "y": "уүγʏ",
    "z": "ᴢ",
}
_TO_LOOK: Final = {ord(letter): look for look, letters in _LOOKS.items() for letter in letters}
_GREEK: Final = "οριυνχ"
"""Others stand beside letters of ASCII in units and names of matter: kΩ, μm, TNFα."""
_LOWER: Final = "".join(letter for letter in "".join(_LOOKS.values()) if "\u0400" <= letter <= "\u058f") + _GREEK
_FOREIGN: Final = _LOWER + "".join(letter.upper() for letter in _LOWER if letter.upper() != letter)
_BESIDE: Final = re.compile(rf"[A-Za-z][{_FOREIGN}]|[{_FOREIGN}][A-Za-z]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_STYLED_LETTERS: Final = "\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a\u24b6-\u24e9\U0001f130-\U0001f189"
_STYLED: Final = re.compile(f"[{_STYLED_LETTERS}]")
_MISLEADING: Final = re.compile(f"[{_FOREIGN}{_STYLED_LETTERS}]")
_PAIRS: Final = (("rn", "m"), ("vv", "w"))
# Arrows, operators, technical signs, boxes, dingbats and fillers; neither emoji nor stars, hearts and ticks.
_MARKS: Final = re.compile(
    "[\u200b-\u200f\u2022\u2060-\u2064\u2190-\u2193\u219a-\u22ff\u2308-\u2319\u231c-\u2327\u2329-\u23ce"
    "\u2500-\u25a9\u25b2-\u25b5\u25b7-\u25bf\u25c1-\u25fa\u2725-\u2727\u2794\u2798-\u27a0\u27a2-\u27af\u27b1-\u27be"
    "\u27c0-\u2933\u2936-\u2b04\u2b08-\u2b1a\u115f\u1160\u3164\uffa0\ua4d0-\ua4ff]"
)
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Return text in lower case without accents, styled letters as plain ones."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(c))


@lru_cache(maxsize=4096)
def look(text: str) -> str:
    """Return what text looks like: equal for texts that the eye takes for each other."""
    looks = plain(text).translate(_TO_LOOK)
    for pair, one in _PAIRS:
        looks = looks.replace(pair, one)
    return looks


def may_mislead(text: str) -> bool:
    """Whether a text has any letter that `mixed_words` or `styled_letters` goes by; most in other letters have none."""
    return _MISLEADING.search(text) is not None


def mixed_words(text: str) -> list[str]:
    """Return the words in which letters of ASCII stand beside letters of another script that look like them."""
    if text.isascii() or not _BESIDE.search(text):
        return []
    return [word for word in _WORD.findall(text) if _BESIDE.search(word)]


def styled_letters(text: str) -> int:
    """Return how many letters are mathematical, of full width or circled: letters to the eye, and to no word list."""
    return 0 if text.isascii() else len(_STYLED.findall(text))


def begins_with_marks(text: str) -> bool:
    """Whether a line begins with a sign that no language and no shop begins one with, to be seen among others."""
    return not text.isascii() and _MARKS.match(text.lstrip()) is not None


def scripts(text: str) -> set[str]:
    """Return which of the scripts that look like each other the letters of a text are of, and OTHER for the rest."""
    return {_script(letter) for letter in text if letter.isalpha()}


@lru_cache(maxsize=1024)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0]
    return name if name in _SCRIPTS else "OTHER"
