"""The text in numbers: its length, lines, words, letters and signs."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from tamis.traits import native
from tamis.traits.family import Family, Measure, Numbers, Table, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("TEXT_LENGTH", "characters of the text", (1, 50, 150, 400, 800, 1500, 3000, 6000)),
    Measure("TEXT_WORDS", "words of the text", (1, 10, 30, 80, 160, 300, 600)),
    Measure("TEXT_WORD_LENGTH", "letters for ten words", (10, 36, 42, 46, 50, 56, 70)),
    Measure("TEXT_DISTINCT", "percent of the words that are different ones", (1, 40, 50, 60, 70, 80, 95)),
    Measure("TEXT_LONGEST_WORD", "letters of the longest word", (1, 9, 12, 15, 19, 30)),
    Measure("TEXT_CAPITALS", "percent of capitals among ASCII letters", (1, 3, 5, 8, 12, 20, 40)),
    Measure("TEXT_CAPITAL_WORDS", "words of four letters or more in capitals", (1, 2, 4, 8, 20)),
    Measure("TEXT_DIGITS", "digits in a thousand characters", (1, 5, 15, 30, 60, 120)),
    Measure("TEXT_SIGNS", "percent of ASCII punctuation", (1, 3, 4, 6, 9, 14)),
    Measure("TEXT_NOT_ASCII", "percent of octets beyond ASCII in UTF-8", (1, 5, 20, 50)),
    Measure("TEXT_BANGS", "exclamation marks", (1, 2, 3, 5, 10)),
    Measure("TEXT_QUESTIONS", "question marks", (1, 2, 4, 8)),
    Measure("TEXT_DOLLARS", "signs of money", (1, 2, 4, 8, 20)),
    Measure("TEXT_PERCENTS", "percent signs", (1, 2, 4, 8)),
    Measure("TEXT_COMMAS", "commas for a hundred words", (1, 3, 5, 8, 15)),
    Measure("TEXT_DOTS", "full stops for a hundred words", (1, 3, 6, 10, 20)),
    Measure("TEXT_LINES", "lines with something in them", (1, 2, 5, 10, 20, 40, 100)),
    Measure("TEXT_LINE_LENGTH", "mean characters of lines with something in them", (1, 15, 30, 45, 60, 75, 150)),
    Measure("TEXT_EMPTY_LINES", "percent of lines with nothing in them", (1, 15, 30, 45, 60, 80)),
    Measure("TEXT_GAP_LINES", "empty lines in a row, where there are most", (2, 3, 5, 10)),
    Measure("TEXT_VOWELS", "percent of vowels among ASCII letters", (1, 30, 35, 38, 41, 45)),
    Measure("TEXT_NUMBERS", "numbers of five digits or more", (1, 2, 4, 10)),
    Measure("TEXT_FIRST_LINE", "characters of the first line with something in it", (1, 10, 25, 45, 70, 120)),
    Measure("TEXT_LAST_LINE", "characters of the last line with something in it", (1, 6, 20, 45, 70, 120)),
)
FLAGS: Final = {
    "TEXT_NONE": "no text at all",
    "TEXT_SMALL_ALL": "a text without a capital",
    "TEXT_BANGS_IN_ROW": "three exclamation marks in a row",
    "TEXT_QUESTIONS_IN_ROW": "two question marks in a row",
    "TEXT_DOLLARS_IN_ROW": "two dollar signs in a row",
    "TEXT_DOTS_IN_ROW": "three dots in a row",
    "TEXT_STARS": "five stars in a row",
    "TEXT_EQUALS": "five equals signs in a row",
    "TEXT_HYPHENS": "ten hyphens in a row",
    "TEXT_UNDERSCORES": "ten underscores in a row",
    "TEXT_TABS": "tabs in the text",
    "TEXT_INDENTED": "five lines or more that begin with four spaces",
    "TEXT_SPACES_AT_END": "three lines or more that end with a space",
    "TEXT_SPACES_INSIDE": "three spaces in a row within a line",
    "TEXT_BULLETS": "three lines or more that begin with a bullet, a star or a hyphen",
    "TEXT_LISTED": "three lines or more that begin with a number and a dot",
    "TEXT_LINE_CAPITALS": "a line of 15 letters or more, all capitals",
    "TEXT_LINES_SMALL": "three lines or more that begin with a small letter",
    "TEXT_FIRST_SMALL": "the text begins with a small letter",
    "TEXT_FIRST_CAPITALS": "the first line is in capitals",
    "TEXT_ENDS_LETTER": "the text ends with a letter",
    "TEXT_ENDS_DOT": "the text ends with a full stop",
    "TEXT_ENDS_DIGIT": "the text ends with a digit",
    "TEXT_ENDS_SIGN": "the text ends with a sign that ends no sentence",
    "TEXT_SMILEY": "a smiley of signs",
    "TEXT_EMOJI": "a pictogram",
    "TEXT_CURLY_QUOTES": "quotation marks or apostrophes of typography",
    "TEXT_DASHES": "a dash of typography",
    "TEXT_TRADE_MARK": "a sign of copyright or of a trade mark",
    "TEXT_EURO": "a euro or a pound sign",
    "TEXT_SUM_LARGE": "a sum of money of a million or more, in digits or in words",
    "TEXT_PRICE_CENTS": "a price with cents",
    "TEXT_PRICE_NINES": "a price that ends with 9, 95 or 99",
    "TEXT_PRICES": "three prices or more",
    "TEXT_PHONE": "a telephone number",
    "TEXT_PHONE_FREE": "a number that can be called free of charge",
    "TEXT_TIME": "a time of day",
    "TEXT_DATE": "a date",
    "TEXT_YEAR": "a year of this century",
    "TEXT_ZIP": "a postal address in America, by state and code",
    "TEXT_POSTAL_FRENCH": "a postal code of five digits and a place in capitals",
    "TEXT_STOCK": "a stock by its symbol, or prices of one",
    "TEXT_PARENTHESES": "three pairs of parentheses or more",
    "TEXT_SLASHES": "a path of a file",
    "TEXT_CODE": "lines that look like a program or a patch",
    "TEXT_HEX": "a word of 16 hexadecimal digits or more",
    "TEXT_SMALL_I": "the word i in small: a text written in haste",
    "TEXT_CONTRACTED": "contracted words, such as don't",
    "TEXT_SENTENCE_NO_SPACE": "a full stop or comma with a capital right behind it",
    "TEXT_SPACE_BEFORE_SIGN": "a space in front of a comma or a full stop",
    "TEXT_PLACEHOLDER": "a template that was not filled in",
    "TEXT_LAST_WORDS_RANDOM": "a last line of ten words or more without any sign",
    "TEXT_LINE_ALIKE": "the same line of 20 characters or more twice",
    "TEXT_ONE_PARAGRAPH": "300 characters or more without an empty line",
}
_PLAIN: Final = Table(
    ("TEXT_BANGS_IN_ROW", "!!!"),
    ("TEXT_QUESTIONS_IN_ROW", "??"),
    ("TEXT_DOLLARS_IN_ROW", "$$"),
    ("TEXT_DOTS_IN_ROW", "..."),
    ("TEXT_STARS", "*****"),
    ("TEXT_EQUALS", "====="),
    ("TEXT_HYPHENS", "----------"),
    ("TEXT_UNDERSCORES", "__________"),
    ("TEXT_TABS", "\t"),
    ("TEXT_SMALL_I", " i "),
    ("TEXT_SPACE_BEFORE_SIGN", " ,"),
)
_BEYOND_ASCII: Final = Table(
    ("TEXT_TRADE_MARK", "©"),
    ("TEXT_TRADE_MARK", "®"),
    ("TEXT_TRADE_MARK", "™"),
    ("TEXT_EURO", "€"),
    ("TEXT_EURO", "£"),
    ("TEXT_CURLY_QUOTES", "’"),
    ("TEXT_CURLY_QUOTES", "“"),
    ("TEXT_CURLY_QUOTES", "«"),
    ("TEXT_DASHES", "–"),
    ("TEXT_DASHES", "—"),
)
_BULLETS: Final = frozenset(f"{mark} " for mark in "-*•·o–+")
_OWN: Final = frozenset(FLAGS)
_PRICE: Final = re.compile(r"[$€£]\s?\d+(?:[.,]\d\d)?|\d{1,20}(?:[.,]\d\d)?\s?[$€£]")
_EMOJI: Final = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    text = letter.text
    if not text.strip():
        yield "TEXT_NONE"
        return
    _measure(letter, numbers)
    yield from [flag for flag, sign in _PLAIN.of(letter) if sign in text]
    if not text.isascii():
        yield from [flag for flag, sign in _BEYOND_ASCII.of(letter) if sign in text]
    yield from letter.marks & _OWN
    yield from _marks(text, letter, numbers)
    yield from _lines(letter, numbers)


def _measure(letter: Letter, numbers: Numbers) -> None:
    text, octets, counts = letter.text, letter.octets, letter.counts
    words, longest, distinct, _ = letter.spoken
    capitals, high, digits = counts.between(65, 90), counts.between(128, 255), counts.between(48, 57)
    letters = capitals + counts.between(97, 122)
    signs = counts.between(33, 126) - letters - digits
    numbers["TEXT_LENGTH"] = len(text)
    numbers["TEXT_WORDS"] = words
    if words:
        numbers["TEXT_WORD_LENGTH"] = 10 * (letters + high // 2) // words
        numbers["TEXT_DISTINCT"] = percent(distinct, min(_FIRST, words))
        numbers["TEXT_LONGEST_WORD"] = longest
        numbers["TEXT_COMMAS"] = percent(counts.of(b","), words)
        numbers["TEXT_DOTS"] = percent(counts.of(b"."), words)
    numbers["TEXT_CAPITALS"] = percent(capitals, letters)
    numbers["TEXT_DIGITS"] = 1000 * digits // len(text)
    capital_words, long_numbers = native.capital_words_and_numbers(text)
    numbers["TEXT_CAPITAL_WORDS"] = capital_words
    # Digits that are not of ASCII count only beside those that are.
    numbers["TEXT_NUMBERS"] = long_numbers if digits > 4 else 0
    numbers["TEXT_SIGNS"] = percent(signs, len(octets))
    numbers["TEXT_NOT_ASCII"] = 0 if text.isascii() else max(1, percent(high, len(octets)))
    numbers["TEXT_BANGS"] = counts.of(b"!")
    numbers["TEXT_QUESTIONS"] = counts.of(b"?")
    numbers["TEXT_DOLLARS"] = counts.of(b"$") + (0 if text.isascii() else text.count("€") + text.count("£"))
    numbers["TEXT_PERCENTS"] = counts.of(b"%")
    numbers["TEXT_VOWELS"] = percent(counts.of(b"aeiouyAEIOUY"), letters)


def _marks(text: str, letter: Letter, numbers: Numbers) -> Iterator[str]:
    if text.islower():
        yield "TEXT_SMALL_ALL"
    if numbers["TEXT_DOLLARS"] > 2 and "TEXT_PRICES" in letter.asked and len([*islice(_PRICE.finditer(text), 3)]) > 2:
        yield "TEXT_PRICES"
    if letter.counts.of(b"(") > 2:
        yield "TEXT_PARENTHESES"
    if "TEXT_EMOJI" in letter.asked and not text.isascii() and _EMOJI.search(text):
        yield "TEXT_EMOJI"


def _lines(letter: Letter, numbers: Numbers) -> Iterator[str]:
    text = letter.text
    found = Lines(*native.lines(text))
    numbers["TEXT_LINES"] = found.full
    numbers["TEXT_EMPTY_LINES"] = percent(found.number - found.full, found.number)
    numbers["TEXT_LINE_LENGTH"] = found.characters // max(1, found.full)
    numbers["TEXT_GAP_LINES"] = found.gap
    if not found.full:
        return
    first, last = text[found.first_start : found.first_end], text[found.last_start : found.last_end]
    numbers["TEXT_FIRST_LINE"], numbers["TEXT_LAST_LINE"] = len(first), len(last)
    for flag, holds in (
        ("TEXT_INDENTED", found.indented > 4),
        ("TEXT_SPACES_AT_END", found.spaced > 2),
        ("TEXT_LINE_CAPITALS", found.capitals),
        ("TEXT_LINES_SMALL", found.small > 2),
        ("TEXT_LINE_ALIKE", found.alike),
        ("TEXT_FIRST_SMALL", first[0].islower()),
        ("TEXT_FIRST_CAPITALS", first.isupper() and len(first) > 4),
        ("TEXT_ENDS_LETTER", last[-1].isalpha()),
        ("TEXT_ENDS_DOT", last[-1] == "."),
        ("TEXT_ENDS_DIGIT", last[-1].isdigit()),
        ("TEXT_ENDS_SIGN", not last[-1].isalnum() and last[-1] not in ".!?"),
        ("TEXT_ONE_PARAGRAPH", len(text) >= 300 and found.full == found.number),
    ):
        if holds:
            yield flag
    if letter.asks(("TEXT_BULLETS", "TEXT_LISTED", "TEXT_LAST_WORDS_RANDOM")):
        full = [line for line in letter.stripped[:_FIRST] if line]
        if sum(map(_BULLETS.__contains__, [line[:2] for line in full])) > 2:
            yield "TEXT_BULLETS"
        if sum(map(_is_listed, full)) > 2:
            yield "TEXT_LISTED"
        if last.count(" ") > 8 and last.replace(" ", "").isalpha():
            yield "TEXT_LAST_WORDS_RANDOM"


class Lines(NamedTuple):
    """What `native.lines` says of the first 300 lines: the fields are explained there."""

    number: int
    full: int
    characters: int
    gap: int
    first_start: int
    first_end: int
    last_start: int
    last_end: int
    indented: int
    spaced: int
    small: int
    capitals: bool
    alike: bool


_FIRST: Final = 300
"""Words and lines among which those that are alike are looked for."""


def _is_listed(line: str) -> bool:
    return line[0].isdigit() and line[1:3].strip("0123456789")[:1] in (".", ")")


FAMILY: Final = Family("writing", "the text in numbers", _look, MEASURES, FLAGS)
