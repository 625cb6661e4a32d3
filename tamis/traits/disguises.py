"""Words that are written so that programs do not know them, and fillers that mean nothing."""

import re
from collections.abc import Iterator
from operator import eq
from typing import Final

from tamis.traits import native
from tamis.traits.family import Family, Measure, Numbers
from tamis.traits.letter import LINES, Letter
from tamis.traits.marks import Patterns

MEASURES: Final = (Measure("RARE_LETTERS", "letters q, x, z and j in a thousand letters", (1, 5, 8, 12, 20)),)
FLAGS: Final = {
    "MIXED_DIGITS": "a word with a digit between letters",
    "MIXED_CASE": "a word with a capital between small letters",
    "SPACED_LETTERS": "four single letters or more in a row",
    "NO_VOWELS": "a word of five ASCII letters or more without vowels",
    "WORDS_LONG": "a word of 16 letters or more",
    "DISGUISE_DOTS": "dots or other signs between single letters",
    "DISGUISE_ACCENTS": "accented letters in the place of plain ones in English words",
    "DISGUISE_LEET": "a word of spam in which digits or signs are letters",
    "DISGUISE_AT": "an at sign between letters where there is no address",
    "DISGUISE_BAR": "a bar, an exclamation mark or a one in the place of a letter",
    "DISGUISE_UNDERSCORE": "underscores between words",
    "DISGUISE_HOST": "a host written apart: www . example . com, or with a word in the place of the dot",
    "DISGUISE_MONEY": "a sum of money with a letter o for a nought, or spaces between its digits",
    "DISGUISE_NUMBERED": "letters written by their numbers in HTML",
    "DISGUISE_SPLIT_TAG": "a tag between two letters of a word",
    "DISGUISE_INVISIBLE": "signs without width in the text",
    "DISGUISE_SOFT_HYPHEN": "soft hyphens in the text",
    "FILLER_RANDOM": "a last paragraph of words that do not make a sentence",
    "FILLER_LETTERS": "a line of one word that has no vowels or is of letters and digits",
    "FILLER_BOOK": "a text that goes on after ten empty lines",
    "FILLER_CAPITALS_RUN": "five words in a row that begin with a capital",
    "FILLER_REPEATED": "the same word three times in a row",
    "FILLER_STARS": "lines that are signs alone, four or more",
    "FILLER_FEW_SIGNS": "100 words or more with fewer than three full stops and commas",
}
_ACCENTS: Final = re.compile(r"[a-z][\u00e0-\u00fc][a-z]*[\u00e0-\u00fc]", re.I)
_IN_MARKUP: Final = Patterns(
    {
        "DISGUISE_NUMBERED": r"&#x?0{0,3}(?:[46][1-9a-f]|6[5-9]|[789]\d|1[012]\d);",
        "DISGUISE_SPLIT_TAG": r"[a-z]<(?:/?(?:font|span|b|i|u|a|strong)\b[^<>]*|!--[^<>]*--)>[a-z]",
    }
)
_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff]")


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    text = letter.text
    if not text:
        return
    marks = letter.marks
    numbers["RARE_LETTERS"] = 1000 * letter.counts.of(b"qxzjQXZJ") // max(1, len(letter.octets))
    yield from marks & _OWN
    asked = letter.asked
    if not text.isascii():
        if "DISGUISE_ACCENTS" in asked and " the " in text and _ACCENTS.search(text):
            yield "DISGUISE_ACCENTS"
        if "DISGUISE_INVISIBLE" in asked and _INVISIBLE.search(text):
            yield "DISGUISE_INVISIBLE"
        if "\u00ad" in text:
            yield "DISGUISE_SOFT_HYPHEN"
    if letter.html and letter.asks(_OF_MARKUP):
        yield from _IN_MARKUP.found(letter.html_octets, letter.everything)
    if "FILLER_REPEATED" in asked:
        yield from _repeated(letter.words)
    yield from _fillers(letter, text)


def _repeated(words: list[str]) -> Iterator[str]:
    # A word that follows itself is rare: only then is the third looked at.
    twice = [at for at, same in enumerate(map(eq, words, words[1:])) if same and len(words[at]) > 2]
    if any(words[at] == third for at in twice for third in words[at + 2 : at + 3]):
        yield "FILLER_REPEATED"


_OWN: Final = frozenset(FLAGS)
_OF_MARKUP: Final = ("DISGUISE_NUMBERED", "DISGUISE_SPLIT_TAG")
_GAP: Final = 10


def _fillers(letter: Letter, text: str) -> Iterator[str]:
    asked = letter.asked
    if "FILLER_RANDOM" in asked or "FILLER_LETTERS" in asked:
        yield from _random(letter)
    if letter.counts.of(b"\n") >= _GAP and native.longest_gap(text) >= _GAP:
        yield "FILLER_BOOK"
    if native.bare_lines(text, LINES) > 3:
        yield "FILLER_STARS"
    if "FILLER_FEW_SIGNS" in asked and letter.spoken[0] > 99 and letter.counts.of(b".,") < 3:
        yield "FILLER_FEW_SIGNS"


def _random(letter: Letter) -> Iterator[str]:
    asked = letter.asked
    full = [line for line in letter.stripped if line]
    last = full[-1] if full else ""
    if "FILLER_RANDOM" in asked and len(last.split()) > 14 and not any(mark in last for mark in ".,!?:;"):
        yield "FILLER_RANDOM"
    if "FILLER_LETTERS" in asked and any(
        6 < len(line) < 40 and line.isascii() and not any(map(line.lower().__contains__, "aeiouy"))
        for line in filter(str.isalnum, full)
    ):
        yield "FILLER_LETTERS"


FAMILY: Final = Family("disguises", "disguised words and fillers", _look, MEASURES, FLAGS)
