"""The parts of a message and how they are put together (RFC 2046)."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("PARTS", "the number of parts", (2, 3, 4, 5, 7)),
    Measure("PART_DEPTH", "multiparts within each other", (1, 2, 3)),
    Measure("HTML_PER_PLAIN", "octets of HTML for one of plain text, where there are both", (1, 2, 3, 5, 10, 30)),
    Measure("BOUNDARY_LENGTH", "characters of the outermost boundary", (1, 20, 26, 34, 40, 60)),
    Measure("MESSAGE_KB", "kilobytes of the message, header and attachments too", (1, 2, 3, 5, 8, 16, 32, 64, 256)),
    Measure("BODY_SHARE", "percent of the message that is body", (10, 30, 50, 70, 85, 95)),
)
FLAGS: Final = {
    "TREE_PLAIN": "one part, of plain text",
    "TREE_HTML": "one part, of HTML",
    "TREE_ALTERNATIVE": "plain text and HTML as alternatives, and nothing else",
    "TREE_ALTERNATIVE_ONE": "alternatives of which there is one",
    "TREE_ALTERNATIVE_TURNED": "alternatives with HTML before plain text",
    "TREE_MIXED": "several parts, to be shown one after the other",
    "TREE_MIXED_ONE": "a mixed multipart with one part",
    "TREE_RELATED": "HTML with parts that it shows",
    "TREE_RELATED_OUTSIDE": "the outermost multipart is that of HTML with parts that it shows",
    "TREE_SIGNED": "a signed message",
    "TREE_REPORT": "a report of a mail server",
    "TREE_ENCLOSED": "a message within the message",
    "TREE_UNDECLARED": "no Content-Type: at all",
    "TREE_HTML_NO_PLAIN": "HTML and no plain text",
    "TREE_PLAIN_EMPTY": "plain text of no more than ten octets beside HTML",
    "TREE_HTML_EMPTY": "a part of HTML of no more than 60 octets",
    "TREE_PART_EMPTY": "a part without anything in it",
    "TREE_TWO_PLAIN": "two parts of plain text or more",
    "TREE_TWO_HTML": "two parts of HTML or more",
    "TREE_IMAGES": "a part that is an image",
    "TREE_ONLY_IMAGES_BESIDE": "HTML and images, and no other attachment",
    "TREE_APPLICATION": "a part of type application",
    "TREE_PART_UNDECLARED": "a part of a multipart without Content-Type:",
    "TREE_PART_ID": "a part with Content-ID:",
    "TREE_PART_LOCATION": "a part with Content-Location:",
    "TREE_PART_DESCRIPTION": "a part with Content-Description:",
    "TREE_PART_INLINE": "a part of text declared inline",
    "TREE_FORMAT_FLOWED": "text that says format=flowed",
    "TREE_DELSP": "text that says delsp",
    "TREE_REPLY_TYPE": "text that says reply-type, as Outlook Express writes",
    "TREE_PREAMBLE": "a text in front of the first part of a multipart, which no reader sees",
    "TREE_PREAMBLE_USUAL": "that text says that the message is in MIME format",
    "BOUNDARY_FORM_OUTLOOK": "a boundary with the form of Outlook's",
    "BOUNDARY_FORM_MOZILLA": "a boundary with the form of Mozilla's: hyphens and digits",
    "BOUNDARY_FORM_JAVA": "a boundary with the form of JavaMail's",
    "BOUNDARY_FORM_PERL": "a boundary with the form of Perl's MIME tools",
    "BOUNDARY_FORM_HEX": "a boundary of hexadecimal digits",
    "BOUNDARY_FORM_DIGITS": "a boundary of digits",
    "BOUNDARY_FORM_EQUALS": "a boundary that begins with equals signs",
    "BOUNDARY_FORM_HYPHENS": "another boundary that begins with four hyphens",
    "BOUNDARY_FORM_WORD": "a boundary that begins with a word",
    "BOUNDARY_CAPITALS": "a boundary with capitals and without small letters",
    "TYPE_PARAMETER_NAME": "Content-Type: of the message has a name",
    "TYPE_QUOTED_CHARSET": "charset in quotation marks in the header",
    "TYPE_IN_CAPITALS": "Content-Type: of the message has capitals in its type",
    "TYPE_NO_SPACE": "no space behind the semicolon of Content-Type:",
    "TYPE_PARAMETER_TYPE": "Content-Type: of the message says the type of what is inside",
    "TYPE_ENDS_SEMICOLON": "Content-Type: of the message ends with a semicolon",
}
_HYPHENS: Final = re.compile(r"-{10,30}\d{12,30}")
_HEX: Final = re.compile(r"[0-9a-f]{12,70}", re.I)
_DIGITS: Final = re.compile(r"[\d._-]{6,70}")
_OUTLOOK: Final = re.compile(r"-{4}_?=_NextPart_")
_FIRST_DELIMITER: Final = re.compile(rb"(?:^|\n)--")


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    message, types = letter.message, letter.types
    containers = message.tree.containers[:20]
    numbers["PARTS"] = len(types)
    numbers["PART_DEPTH"] = message.tree.depth
    numbers["MESSAGE_KB"] = min(message.size, 1 << 40) >> 10
    numbers["BODY_SHARE"] = percent(len(message.raw) - message.header_block.body_start, len(message.raw))
    plain, html = types.count("text/plain"), types.count("text/html")
    yield from _shape(types, containers, plain, html)
    if "content-type" not in letter.has:
        yield "TREE_UNDECLARED"
    yield from _parts(letter, numbers, bool(containers))
    yield from _declared(letter, numbers)
    if containers and containers[0].startswith("multipart/"):
        yield from _preamble(message.body[:2000])


def _shape(types: list[str], containers: list[str], plain: int, html: int) -> Iterator[str]:
    if types == ["text/plain"]:
        yield "TREE_PLAIN"
    elif types == ["text/html"] and not containers:
        yield "TREE_HTML"
    elif types == ["text/plain", "text/html"] and containers == ["multipart/alternative"]:
        yield "TREE_ALTERNATIVE"
    if "multipart/alternative" in containers:
        if len(types) == 1:
            yield "TREE_ALTERNATIVE_ONE"
        if plain and html and types.index("text/html") < types.index("text/plain"):
            yield "TREE_ALTERNATIVE_TURNED"
    if "multipart/mixed" in containers:
        yield "TREE_MIXED_ONE" if len(types) == 1 else "TREE_MIXED"
    if "multipart/related" in containers:
        yield "TREE_RELATED"
        if containers[0] == "multipart/related":
            yield "TREE_RELATED_OUTSIDE"
    if "multipart/signed" in containers:
        yield "TREE_SIGNED"
    if "multipart/report" in containers:
        yield "TREE_REPORT"
    if "message/rfc822" in containers:
        yield "TREE_ENCLOSED"
    if html and not plain:
        yield "TREE_HTML_NO_PLAIN"
    if plain > 1:
        yield "TREE_TWO_PLAIN"
    if html > 1:
        yield "TREE_TWO_HTML"
    images = sum(kind.startswith("image/") for kind in types)
    if images:
        yield "TREE_IMAGES"
        if html and images + html + plain == len(types):
            yield "TREE_ONLY_IMAGES_BESIDE"
    if any(kind.startswith("application/") for kind in types):
        yield "TREE_APPLICATION"


def _parts(letter: Letter, numbers: Numbers, several: bool) -> Iterator[str]:
    flags: set[str] = set()
    sizes = {"text/plain": 0, "text/html": 0}
    for part in letter.parts:
        kind = part.content_type
        size = len(part.raw)
        if kind in sizes:
            sizes[kind] += size
            parameters = part.parameters
            if parameters.get("format", "").lower() == "flowed":
                flags.add("TREE_FORMAT_FLOWED")
            if "delsp" in parameters:
                flags.add("TREE_DELSP")
            if "reply-type" in parameters:
                flags.add("TREE_REPLY_TYPE")
            if part.disposition == "inline":
                flags.add("TREE_PART_INLINE")
            if kind == "text/html" and size <= 60:
                flags.add("TREE_HTML_EMPTY")
        if not size:
            flags.add("TREE_PART_EMPTY")
        if several:
            names = {field.name.lower() for field in part.fields[:20]}
            if b"content-type" not in names:
                flags.add("TREE_PART_UNDECLARED")
            if b"content-id" in names:
                flags.add("TREE_PART_ID")
            if b"content-location" in names:
                flags.add("TREE_PART_LOCATION")
            if b"content-description" in names:
                flags.add("TREE_PART_DESCRIPTION")
    if "text/html" in letter.types and "text/plain" in letter.types:
        numbers["HTML_PER_PLAIN"] = sizes["text/html"] // max(1, sizes["text/plain"])
        if sizes["text/plain"] <= 10:
            flags.add("TREE_PLAIN_EMPTY")
    yield from flags


def _declared(letter: Letter, numbers: Numbers) -> Iterator[str]:
    declared = letter.field("content-type")[:500]
    if not declared:
        return
    kind, _, rest = declared.partition(";")
    low = rest.lower()
    if not kind.islower():
        yield "TYPE_IN_CAPITALS"
    if rest and not rest[0].isspace():
        yield "TYPE_NO_SPACE"
    if 'charset="' in low:
        yield "TYPE_QUOTED_CHARSET"
    if "name=" in low:
        yield "TYPE_PARAMETER_NAME"
    if " type=" in low or "\ttype=" in low or ";type=" in low:
        yield "TYPE_PARAMETER_TYPE"
    if declared.endswith(";"):
        yield "TYPE_ENDS_SEMICOLON"
    boundary = rest[low.index("boundary=") + 9 :].partition(";")[0].strip().strip('"') if "boundary=" in low else ""
    if not boundary:
        return
    numbers["BOUNDARY_LENGTH"] = len(boundary)
    if boundary.isupper():
        yield "BOUNDARY_CAPITALS"
    yield from _form(boundary)


def _form(boundary: str) -> Iterator[str]:
    if _OUTLOOK.match(boundary):
        yield "BOUNDARY_FORM_OUTLOOK"
    elif _HYPHENS.fullmatch(boundary):
        yield "BOUNDARY_FORM_MOZILLA"
    elif boundary.startswith("----=_Part_"):
        yield "BOUNDARY_FORM_JAVA"
    elif boundary.startswith(("----------=_", "_----------=_")):
        yield "BOUNDARY_FORM_PERL"
    elif _DIGITS.fullmatch(boundary):
        yield "BOUNDARY_FORM_DIGITS"
    elif _HEX.fullmatch(boundary):
        yield "BOUNDARY_FORM_HEX"
    elif boundary.startswith("=="):
        yield "BOUNDARY_FORM_EQUALS"
    elif boundary.startswith("----"):
        yield "BOUNDARY_FORM_HYPHENS"
    elif boundary[:4].isalpha():
        yield "BOUNDARY_FORM_WORD"


def _preamble(body: bytes) -> Iterator[str]:
    start = _FIRST_DELIMITER.search(body)
    text = body[: start.start()] if start else b""
    if text.strip():
        yield "TREE_PREAMBLE"
        if b"MIME" in text:
            yield "TREE_PREAMBLE_USUAL"


FAMILY: Final = Family(
    "parts",
    "the MIME tree, its boundaries and what it declares",
    _look,
    MEASURES,
    FLAGS,
    kinds=("BOUNDARY_FORM_",),
    of_the_header=True,
)
