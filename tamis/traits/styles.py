"""Colours, sizes and places that the HTML asks for."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("STYLE_ATTRIBUTES", "elements with a style of their own", (1, 3, 10, 30, 100)),
    Measure("STYLE_CLASSES", "elements with a class", (1, 3, 10, 30)),
    Measure("STYLE_COLOURS", "different colours written as six hexadecimal digits", (1, 2, 3, 4, 6, 10)),
    Measure("STYLE_SIZES", "different sizes of text", (1, 2, 3, 5)),
    Measure("STYLE_FONTS", "different fonts or lists of fonts", (1, 2, 3, 5)),
)
FLAGS: Final = {
    "STYLE_SHEET": "a style sheet in the HTML",
    "STYLE_SHEET_BEHIND": "a style sheet behind the head",
    "STYLE_IMPORTANT": "a style that says it is important",
    "STYLE_MEDIA": "a style for some screens alone",
    "STYLE_IMPORT": "a style sheet that loads another",
    "STYLE_FONT_FACE": "a style sheet that brings a font",
    "STYLE_HOVER": "a style for what the mouse is over",
    "STYLE_DISPLAY_NONE": "something is not displayed",
    "STYLE_HEIGHT_NONE": "something has no height",
    "STYLE_ABSOLUTE": "something stands at a place of its own",
    "STYLE_FLOAT": "something floats to one side",
    "STYLE_OPACITY": "something is transparent to some degree",
    "STYLE_WHITE_TEXT": "text in white",
    "STYLE_RED": "something in plain red",
    "STYLE_BLUE": "something in plain blue",
    "STYLE_GREEN": "something in plain green",
    "STYLE_YELLOW": "something in plain yellow",
    "STYLE_GREY": "something in a grey",
    "STYLE_BLACK": "something said to be black",
    "STYLE_NAMED_COLOUR": "a colour of text by its name",
    "STYLE_RGB": "a colour by three numbers",
    "STYLE_NEAR_WHITE": "a colour that is nearly white",
    "STYLE_BORDER_RADIUS": "round corners",
    "STYLE_BUTTON": "a link that looks like a button",
    "STYLE_MAX_WIDTH": "a width of at most so much",
    "STYLE_LINE_HEIGHT": "a height of lines",
    "STYLE_LETTER_SPACING": "a distance between letters",
    "STYLE_NO_UNDERLINE": "links without an underline",
    "STYLE_UPPERCASE": "text that is shown in capitals",
    "STYLE_SIZE_TINY": "text of less than 6 points or pixels",
    "STYLE_SIZE_HUGE": "text of 24 points or pixels or more",
    "STYLE_SIZE_POINTS": "sizes of text in points",
    "STYLE_SIZE_PIXELS": "sizes of text in pixels",
    "STYLE_SIZE_RELATIVE": "sizes of text in em or percent",
    "STYLE_FONT_ARIAL": "the font Arial or Helvetica",
    "STYLE_FONT_VERDANA": "the font Verdana or Tahoma",
    "STYLE_FONT_TIMES": "the font Times or Georgia",
    "STYLE_FONT_COURIER": "the font Courier or another of fixed width",
    "STYLE_FONT_CALIBRI": "the font Calibri, Segoe or Aptos",
    "STYLE_FONT_COMIC": "the font Comic Sans",
    "STYLE_WORD": "styles of Word",
    "STYLE_WORD_PAGES": "pages of Word, with sections",
    "STYLE_MARGIN_ZERO": "a margin of nothing",
    "STYLE_COLLAPSE": "tables whose borders collapse",
    "STYLE_QUOTE_BORDER": "a line at the side, as before quoted text",
    "STYLE_BACKGROUND_URL": "an image behind an element",
}
_COLOUR: Final = re.compile(r"#([0-9a-f]{6})\b")
_SIZE: Final = re.compile(r"font-size\s?:\s?([\d.]{1,6})\s?(pt|px|em|rem|%)")
_FONT: Final = re.compile(r"f(?:ont-family\s?:\s?|ace\s?=\s?)[\"']?([^;\"'<>]{2,60})")
_NAMED: Final = re.compile(
    r"(?<![-\w])color\s?[:=]\s?[\"']?(?:red|blue|green|navy|black|white|gray|yellow|orange|purple|maroon)\b"
)
_WHITE: Final = re.compile(r"(?<![-\w])color\s?[:=]\s?[\"']?(?:white\b|#fff\b|#ffffff)")
_HEIGHT: Final = re.compile(r"height\s?:\s?0")
_OWN: Final = frozenset(FLAGS)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    low = letter.html_lower
    if not low:
        return
    asked = letter.asked
    yield from letter.html_words & _OWN
    if "STYLE_ATTRIBUTES" in asked:
        numbers["STYLE_ATTRIBUTES"] = low.count("style=")
    if "STYLE_CLASSES" in asked:
        numbers["STYLE_CLASSES"] = low.count("class=")
    if "STYLE_COLOURS" in asked:
        numbers["STYLE_COLOURS"] = len({*_COLOUR.findall(low)})
    if "STYLE_NAMED_COLOUR" in asked and _NAMED.search(low):
        yield "STYLE_NAMED_COLOUR"
    if "STYLE_WHITE_TEXT" in asked and _WHITE.search(low):
        yield "STYLE_WHITE_TEXT"
    if "font-size" in low:
        yield from _sizes({*_SIZE.findall(low)}, numbers)
    if "STYLE_FONTS" in asked and ("font-family" in low or "face" in low):
        numbers["STYLE_FONTS"] = len({*_FONT.findall(low)})
    if "STYLE_HEIGHT_NONE" in asked and _HEIGHT.search(low):
        yield "STYLE_HEIGHT_NONE"
    if "STYLE_SHEET_BEHIND" in asked and "<body" in low and "<style" in low.partition("<body")[2]:
        yield "STYLE_SHEET_BEHIND"
    if "padding" in low and "border-radius" in low and "background" in low:
        yield "STYLE_BUTTON"


_UNITS: Final = {"pt": "STYLE_SIZE_POINTS", "px": "STYLE_SIZE_PIXELS"}


def _sizes(found: set[tuple[str, str]], numbers: Numbers) -> Iterator[str]:
    numbers["STYLE_SIZES"] = len(found)
    flags = set()
    for written, unit in found:
        flags.add(_UNITS.get(unit, "STYLE_SIZE_RELATIVE"))
        if unit in _UNITS:
            size = float(written) if written.replace(".", "", 1).isdigit() else 10.0
            if size < 6:
                flags.add("STYLE_SIZE_TINY")
            elif size >= 24:
                flags.add("STYLE_SIZE_HUGE")
    yield from flags


FAMILY: Final = Family("styles", "colours, sizes and fonts of the HTML", _look, MEASURES, FLAGS)
