"""How the HTML is built: its elements, how many, and what stands in the source that a reader does not see."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tamis.traits.family import Family, Measure, Numbers, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("HTML_KB", "kilobytes of HTML", (1, 2, 4, 8, 16, 32)),
    Measure("HTML_TAGS", "opening tags in HTML", (1, 8, 16, 32, 64, 128, 256, 512)),
    Measure("HTML_TEXT_SHARE", "percent of HTML that is text to be seen", (1, 5, 10, 20, 35, 50, 70)),
    Measure("HTML_KINDS", "different elements in HTML", (1, 5, 8, 11, 15, 20)),
    Measure("HTML_LINKS", "links in HTML", (1, 2, 3, 5, 9, 20)),
    Measure("HTML_IMAGES", "images in HTML", (1, 2, 3, 5, 10, 25)),
    Measure("HTML_TABLES", "tables in HTML", (1, 2, 4, 8, 16)),
    Measure("HTML_CELLS_PER_ROW", "cells for ten rows of tables", (1, 11, 16, 25)),
    Measure("HTML_FONTS", "elements of type font", (1, 3, 8, 20)),
    Measure("HTML_BREAKS", "line breaks in HTML", (1, 3, 8, 20, 50)),
    Measure("HTML_PARAGRAPHS", "paragraphs in HTML", (1, 3, 8, 20)),
    Measure("HTML_DIVISIONS", "elements of type div", (1, 3, 8, 20)),
    Measure("HTML_SPANS", "elements of type span", (1, 3, 8, 20)),
    Measure("HTML_BOLD", "elements of type b or strong", (1, 2, 4, 10)),
    Measure("HTML_COMMENTS", "comments in HTML", (1, 2, 4, 10)),
    Measure("HTML_ENTITIES", "named characters in HTML, such as &eacute;", (1, 3, 10, 40)),
    Measure("HTML_NBSP", "spaces that may not break, in HTML", (1, 3, 10, 30)),
    Measure("HTML_NUMBERED", "characters written by their number in HTML", (1, 3, 15, 80)),
    Measure("HTML_CAPITAL_TAGS", "percent of tags written in capitals", (1, 50, 99)),
    Measure("HTML_UNCLOSED", "elements of block kinds that are opened and not closed", (1, 3, 10)),
    Measure("HTML_LINE_LENGTH", "octets for one line of HTML", (1, 30, 50, 75, 120, 400)),
)
FLAGS: Final = {
    "HTML_DOCTYPE": "HTML that declares its type",
    "HTML_DOCTYPE_TRANSITIONAL": "HTML that declares to be transitional",
    "HTML_XHTML": "HTML that declares to be XHTML",
    "HTML_NO_HTML": "HTML without the element html",
    "HTML_NO_HEAD": "HTML without a head",
    "HTML_NO_BODY": "HTML without the element body",
    "HTML_HEAD_EMPTY": "HTML with a head and nothing in it",
    "HTML_TITLE": "HTML with a title",
    "HTML_TITLE_EMPTY": "HTML whose title is empty",
    "HTML_TITLE_SUBJECT": "HTML whose title is the Subject",
    "HTML_META_TYPE": "HTML that declares its charset",
    "HTML_META_GENERATOR": "HTML that names the program it was made with",
    "HTML_MADE_BY_MSHTML": "HTML made by the editor of Internet Explorer",
    "HTML_MADE_BY_WORD": "HTML made by Word",
    "HTML_VIEWPORT": "HTML made for small screens",
    "HTML_CONDITIONAL": "HTML with comments for one mail program",
    "HTML_BASE": "HTML that sets where its links begin",
    "HTML_LINK_ELEMENT": "HTML that loads a style sheet or a font",
    "HTML_MAP": "an image with areas to click on",
    "HTML_CENTER": "an element of type center",
    "HTML_MARQUEE": "text that moves or blinks",
    "HTML_BIG": "an element of type big or small",
    "HTML_HEADINGS": "headings in HTML",
    "HTML_LIST": "a list in HTML",
    "HTML_RULE": "a horizontal rule",
    "HTML_QUOTE": "a quotation in HTML",
    "HTML_PRE": "text in HTML that is laid out as written",
    "HTML_UNDERLINE": "underlined text in HTML",
    "HTML_ITALIC": "text in italics in HTML",
    "HTML_STRIKE": "text struck out in HTML",
    "HTML_SUP": "superscript or subscript in HTML",
    "HTML_INPUT": "a field to fill in, or a button",
    "HTML_OBJECT": "an embedded object",
    "HTML_NOBR": "elements that forbid or allow a break",
    "HTML_COLUMNS": "tables that declare their columns",
    "HTML_NAMESPACE": "an element of a namespace, such as o:p",
    "HTML_BAD_TAG": "a tag of more than twelve letters",
    "HTML_FONT_IN_FONT": "font elements that close one right after the other",
    "HTML_EMPTY_CELL": "a cell of a table with nothing in it",
    "HTML_EMPTY_LINK": "a link without text or image",
    "HTML_EMPTY_DIVISION": "an element of type div or span with nothing in it",
    "HTML_AFTER_END": "text or tags behind the end of HTML",
    "HTML_ENDS_UNCLOSED": "the element html is opened and not closed",
    "HTML_COMMENT_IN_WORD": "a comment between two letters",
    "HTML_COMMENT_LONG": "a comment of more than 200 characters",
    "HTML_ALT": "an image with a text in its place",
    "HTML_ALT_EMPTY": "an image with an empty text in its place",
    "HTML_IMAGE_SIZED": "an image whose size is declared",
    "HTML_PIXEL": "an image of one pixel by one",
    "HTML_IMAGE_WIDE": "an image declared to be 400 pixels wide or more",
    "HTML_IMAGE_LINKED": "an image to click on",
    "HTML_IMAGE_CID": "an image that is a part of the message",
    "HTML_IMAGE_DATA": "an image written into the HTML itself",
    "HTML_IMAGE_REMOTE": "an image that is loaded from elsewhere",
    "HTML_IMAGES_NO_TEXT": "images, and fewer than 50 characters of text",
    "HTML_IMAGE_ONE_LINK": "one image, one link, and fewer than 200 characters of text",
    "HTML_BGCOLOR": "a colour behind an element, by attribute",
    "HTML_BODY_BGCOLOR_WHITE": "a white page, by attribute",
    "HTML_BACKGROUND_IMAGE": "an image behind an element, by attribute",
    "HTML_FONT_FACE": "a font by name",
    "HTML_FONT_COLOUR": "a colour of text by attribute",
    "HTML_FONT_BIG": "text of size 4 or more by attribute",
    "HTML_FONT_SMALLEST": "text of size 1 by attribute",
    "HTML_WIDTH_PERCENT": "a width in percent by attribute",
    "HTML_WIDTH_600": "a width of 550 to 700 pixels by attribute",
    "HTML_NO_BORDER": "a border of nothing by attribute",
    "HTML_ALIGN_CENTER": "an alignment in the middle by attribute",
    "HTML_VALIGN": "a vertical alignment by attribute",
    "HTML_CELLPADDING": "a table that declares the space between its cells",
    "HTML_TARGET_BLANK": "a link that opens a window",
    "HTML_LINK_TITLE": "an element with a title to be shown under the mouse",
    "HTML_RTL": "text from right to left",
    "HTML_LANG": "HTML that names its language",
    "HTML_LANG_FRENCH": "HTML that says it is French",
    "HTML_ROLE": "HTML made for screen readers",
    "HTML_UNQUOTED": "attributes without quotation marks",
    "HTML_SINGLE_QUOTED": "attributes in single quotation marks",
    "HTML_SLASHED": "empty elements with a slash",
    "HTML_DIR_LTR": "text said to be from left to right",
    "HTML_PRINTABLE_LEFT": "HTML in which quoted-printable stands undecoded",
    "HTML_TEMPLATE_LEFT": "HTML in which a template was not filled in",
}
_BLOCKS: Final = ("table", "tr", "td", "div", "font", "a", "span", "center", "b")
_IN_WORD: Final = re.compile(r"[a-z]<!--[^>]{0,200}-->[a-z]")
_TITLE: Final = re.compile(r"<title[^>]{0,100}>([^<]{0,300})")
_CAPITAL: Final = re.compile(r"</?[A-Z][A-Z0-9]{0,11}[ >]")
_ENTITY: Final = re.compile(r"&[a-z]{2,8}[0-9]{0,2};", re.I)
_SIZE: Final = re.compile(r"<img[^>]{0,500}\swidth\s?=\s?[\"']?(\d{1,4})[^>]{0,500}", re.I)
_EMPTY: Final = (
    ("HTML_EMPTY_CELL", re.compile(r"<td(?:\s[^<>]{0,300})?>\s{0,20}</td>")),
    ("HTML_EMPTY_LINK", re.compile(r"<a(?:\s[^<>]{0,300})?>\s{0,20}</a>")),
    ("HTML_EMPTY_DIVISION", re.compile(r"<(div|span)(?:\s[^<>]{0,300})?>\s{0,20}</\1>")),
)
_LINKED: Final = re.compile(r"<a\s[^<>]{0,600}>\s{0,20}<img\b")
_SRC: Final = re.compile(r"\ssrc\s?=\s?[\"']?\s?([a-z]{3,6}):")
_OWN: Final = frozenset(FLAGS)
_ELEMENTS: Final = {
    "title": "HTML_TITLE",
    "base": "HTML_BASE",
    "link": "HTML_LINK_ELEMENT",
    "map": "HTML_MAP",
    "area": "HTML_MAP",
    "center": "HTML_CENTER",
    "marquee": "HTML_MARQUEE",
    "blink": "HTML_MARQUEE",
    "big": "HTML_BIG",
    "small": "HTML_BIG",
    "h1": "HTML_HEADINGS",
    "h2": "HTML_HEADINGS",
    "h3": "HTML_HEADINGS",
    "ul": "HTML_LIST",
    "ol": "HTML_LIST",
    "li": "HTML_LIST",
    "hr": "HTML_RULE",
    "blockquote": "HTML_QUOTE",
    "pre": "HTML_PRE",
    "u": "HTML_UNDERLINE",
    "i": "HTML_ITALIC",
    "em": "HTML_ITALIC",
    "s": "HTML_STRIKE",
    "strike": "HTML_STRIKE",
    "del": "HTML_STRIKE",
    "sup": "HTML_SUP",
    "sub": "HTML_SUP",
    "input": "HTML_INPUT",
    "button": "HTML_INPUT",
    "object": "HTML_OBJECT",
    "embed": "HTML_OBJECT",
    "nobr": "HTML_NOBR",
    "wbr": "HTML_NOBR",
    "col": "HTML_COLUMNS",
    "colgroup": "HTML_COLUMNS",
    "!doctype": "HTML_DOCTYPE",
}


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    low = letter.html_lower
    tags = letter.tags if low else {}
    if not tags:
        return
    asked = letter.asked
    opened = {tag: count for tag, count in tags.items() if tag[0].isalpha()}
    seen = sum(len(page.text) for page in letter.message.pages)
    numbers["HTML_KB"] = len(low) >> 10
    numbers["HTML_TAGS"] = sum(opened.values())
    numbers["HTML_TEXT_SHARE"] = percent(seen, max(seen, len(low)))
    numbers["HTML_KINDS"] = len(opened)
    for measure, *kinds in _COUNTED:
        numbers[measure] = sum(tags.get(kind, 0) for kind in kinds)
    numbers["HTML_CELLS_PER_ROW"] = 10 * tags.get("td", 0) // max(1, tags.get("tr", 0))
    if "HTML_UNCLOSED" in asked:
        numbers["HTML_UNCLOSED"] = sum(max(0, tags.get(kind, 0) - tags.get(f"/{kind}", 0)) for kind in _BLOCKS)
    numbers["HTML_LINE_LENGTH"] = len(low) // (low.count("\n") + 1)
    if "HTML_CAPITAL_TAGS" in asked:
        numbers["HTML_CAPITAL_TAGS"] = percent(len(_CAPITAL.findall(letter.html)), sum(tags.values()))
    if "HTML_NUMBERED" in asked:
        numbers["HTML_NUMBERED"] = low.count("&#")
    if "HTML_NBSP" in asked or "HTML_ENTITIES" in asked:
        numbers["HTML_NBSP"] = low.count("&nbsp;")
        numbers["HTML_ENTITIES"] = len(_ENTITY.findall(low)) - numbers["HTML_NBSP"] if "&" in low else 0
    yield from letter.html_words & _OWN
    yield from {_ELEMENTS[tag] for tag in tags.keys() & _ELEMENTS.keys()}
    yield from _frame(letter, low, tags)
    if "<!--" in low:
        yield from _comments(letter, numbers)
    if numbers["HTML_IMAGES"]:
        yield from _images(letter, numbers, seen)
    if any(":" in tag for tag in opened):
        yield "HTML_NAMESPACE"
    if any(len(tag) > 12 for tag in opened):
        yield "HTML_BAD_TAG"


_COUNTED: Final = (
    ("HTML_LINKS", "a", "area"),
    ("HTML_IMAGES", "img"),
    ("HTML_TABLES", "table"),
    ("HTML_FONTS", "font"),
    ("HTML_BREAKS", "br"),
    ("HTML_PARAGRAPHS", "p"),
    ("HTML_DIVISIONS", "div"),
    ("HTML_SPANS", "span"),
    ("HTML_BOLD", "b", "strong"),
)


def _frame(letter: Letter, low: str, tags: Mapping[str, int]) -> Iterator[str]:
    if "html" not in tags:
        yield "HTML_NO_HTML"
    elif "/html" not in tags:
        yield "HTML_ENDS_UNCLOSED"
    elif "HTML_AFTER_END" in letter.asked and low.rpartition("</html>")[2].strip():
        yield "HTML_AFTER_END"
    if "head" not in tags:
        yield "HTML_NO_HEAD"
    elif not tags.keys() & {"meta", "title", "style", "link"}:
        yield "HTML_HEAD_EMPTY"
    if "body" not in tags:
        yield "HTML_NO_BODY"
    asked = letter.asked
    if "title" in tags and ("HTML_TITLE_EMPTY" in asked or "HTML_TITLE_SUBJECT" in asked):
        title = _TITLE.search(low)
        text = " ".join(title[1].split()) if title else None
        if text == "":
            yield "HTML_TITLE_EMPTY"
        elif text == " ".join(letter.subject.lower().split()):
            yield "HTML_TITLE_SUBJECT"
    for flag, pattern in _EMPTY:
        if flag in asked and pattern.search(low):
            yield flag
    if "HTML_WIDTH_PERCENT" in asked and ('width="100%' in low or "width=100%" in low):
        yield "HTML_WIDTH_PERCENT"
    if "HTML_WIDTH_600" in asked and ('width="6' in low or "width=6" in low or 'width="58' in low):
        yield "HTML_WIDTH_600"


def _comments(letter: Letter, numbers: Numbers) -> Iterator[str]:
    low = letter.html_lower
    comments = [*comments_of(low)]
    numbers["HTML_COMMENTS"] = len(comments)
    if any(length > _COMMENT_LONG for length in comments):
        yield "HTML_COMMENT_LONG"
    if "HTML_COMMENT_IN_WORD" in letter.asked and _IN_WORD.search(low):
        yield "HTML_COMMENT_IN_WORD"


def comments_of(html: str) -> Iterator[int]:
    """Yield the length of each comment of no more than 2000 characters, in order; none overlaps another."""
    start = html.find("<!--")
    while start >= 0:
        begin = start + 4
        end = html.find("-->", begin, begin + _COMMENT_LONGEST + 3)
        if end >= 0:
            yield end - begin
        start = html.find("<!--", end + 3 if end >= 0 else start + 1)


_COMMENT_LONG: Final = 200
_COMMENT_LONGEST: Final = 2000


def _images(letter: Letter, numbers: Numbers, seen: int) -> Iterator[str]:
    low, asked, images = letter.html_lower, letter.asked, numbers["HTML_IMAGES"]
    widths = [int(found[1]) for found in _SIZE.finditer(low)]
    if widths:
        yield "HTML_IMAGE_SIZED"
        if 1 in widths and ('height="1"' in low or "height=1" in low or "height='1'" in low):
            yield "HTML_PIXEL"
        if max(widths) >= 400:
            yield "HTML_IMAGE_WIDE"
    if "HTML_IMAGE_LINKED" in asked and _LINKED.search(low):
        yield "HTML_IMAGE_LINKED"
    if "HTML_IMAGE_CID" in asked or "HTML_IMAGE_DATA" in asked or "HTML_IMAGE_REMOTE" in asked:
        schemes = {*_SRC.findall(low)}
        if "cid" in schemes:
            yield "HTML_IMAGE_CID"
        if "data" in schemes:
            yield "HTML_IMAGE_DATA"
        if schemes & {"http", "https"}:
            yield "HTML_IMAGE_REMOTE"
    if seen < 50:
        yield "HTML_IMAGES_NO_TEXT"
    if images == 1 and numbers["HTML_LINKS"] == 1 and seen < 200:
        yield "HTML_IMAGE_ONE_LINK"


FAMILY: Final = Family("markup", "how the HTML is built", _look, MEASURES, FLAGS)
