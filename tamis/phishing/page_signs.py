"""Pages that ask or act: forms, passwords, scripts, hidden text, and pages that are attached. Tests of row 33.

Mail clients run no script and send few forms; an attached page is opened by a browser, which does both, and no gateway
ever sees the page that a script puts together there.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from tamis import limits
from tamis.charset import decode_bytes
from tamis.html_page import Page, read_page
from tamis.message import Message
from tamis.mime import Part
from tamis.phishing.sign import Found, Sign

SIGNS: Final = {
    "HTML_FORM": Sign(0.0, "a form with fields to fill in"),
    "HTML_PASSWORD": Sign(1.5, "a field for a password"),
    "HTML_SCRIPT": Sign(0.0, "a script"),
    "HTML_HANDLER": Sign(0.2, "an element that runs a script at an event"),
    "HTML_REFRESH": Sign(1.5, "a page that leads to another by itself"),
    "HTML_FRAME": Sign(0.0, "a frame with another page in it"),
    "HTML_HIDDEN": Sign(0.3, "more than 500 hidden characters"),
    "HTML_HIDDEN_MOST": Sign(1.0, "more than 500 hidden characters, and more than are shown"),
    "HTML_SPLIT_WORDS": Sign(0.5, "many words that markup cuts apart"),
    "HTML_CAPPED": Sign(0.0, "a page that is too large for its links and hidden text to be looked at"),
    "PAGE_ATTACHED": Sign(0.3, "an attached page"),
    "PAGE_ATTACHED_FORM": Sign(1.5, "an attached page with fields to fill in"),
    "PAGE_ATTACHED_SCRIPT": Sign(1.0, "an attached page or picture with a script"),
    "PAGE_ATTACHED_REFRESH": Sign(1.5, "an attached page that leads to another by itself"),
    "PAGE_SMUGGLES": Sign(2.0, "a page with a script that puts together what is not in it"),
    "TEXT_ATTACHED": Sign(0.5, "all text of the message is declared an attachment"),
    "ALTERNATIVES_DIFFER": Sign(0.5, "the text and the page that stand for each other have hardly a word in common"),
}
_PAGES: Final = (".html", ".htm", ".shtml", ".xhtml", ".xht", ".mht", ".svg")
_PAGE_TYPES: Final = ("text/html", "application/xhtml+xml", "image/svg+xml")
_SMUGGLING: Final = re.compile(
    r"\batob\s{0,9}\(|\bunescape\s{0,9}\(|new\s{1,9}Blob\s{0,9}\(|createObjectURL|msSaveOrOpenBlob|document\.write\s{0,9}\(|"
    r"\beval\s{0,9}\(|fromCharCode|decodeURIComponent\s{0,9}\(|location\.(?:href|replace|assign)|window\.location",
    re.I,
)
_SCRIPT: Final = re.compile("<[sS][cC][rR][iI][pP][tT]")
_STRONG: Final = ("atob", "unescape", "blob", "createobjecturl", "eval", "fromcharcode")
_HIDDEN_LEAST: Final = 500
"""What newsletters hide is the line that a list of messages shows: a sentence or two."""
_SPLIT_LEAST: Final = 20
_WORD: Final = re.compile(r"[^\W\d_]{4,20}")


def found_in(message: Message) -> Iterator[Found]:
    """Yield the signs of the pages that are shown and of those that are attached."""
    for page in message.pages:
        yield from _shown(page)
    shown = {id(part) for part, _ in message.text_parts}
    for part, source in message.text_parts:
        if part.content_type == "text/html":
            yield from _smuggles(source)
        if part.disposition == "attachment":
            yield Found("TEXT_ATTACHED", f"{part.filename or part.content_type} is all the text there is")
    pages = (p for p in message.parts if _is_page(p) and (id(p) not in shown or p.disposition == "attachment"))
    for part in islice(pages, limits.SIGN_PAGES):
        yield from _attached(part)
    yield from _alternatives(message)


def _shown(page: Page) -> Iterator[Found]:
    if not page.complete:
        yield Found("HTML_CAPPED", SIGNS["HTML_CAPPED"].meaning)
    if page.actions and page.inputs:
        yield Found("HTML_FORM", f"a form with {page.inputs} fields")
    if page.passwords:
        yield Found("HTML_PASSWORD", f"{page.passwords} fields for a password")
    if page.scripts:
        yield Found("HTML_SCRIPT", f"{page.scripts} scripts")
    if page.handlers:
        yield Found("HTML_HANDLER", f"{page.handlers} elements that run a script at an event")
    if page.refreshes:
        yield Found("HTML_REFRESH", SIGNS["HTML_REFRESH"].meaning)
    if page.frames:
        yield Found("HTML_FRAME", f"{page.frames} frames")
    if page.hidden > _HIDDEN_LEAST:
        ground = f"{page.hidden} characters are hidden, {page.shown} shown"
        yield Found("HTML_HIDDEN_MOST" if page.hidden > page.shown else "HTML_HIDDEN", ground)
    if page.split >= _SPLIT_LEAST:
        yield Found("HTML_SPLIT_WORDS", f"markup cuts words apart in {page.split} places")


def _is_page(part: Part) -> bool:
    named = part.filename.lower().endswith(_PAGES)
    return named or (part.content_type in _PAGE_TYPES and (bool(part.filename) or part.disposition == "attachment"))


def _attached(part: Part) -> Iterator[Found]:
    name = part.filename or part.content_type
    source = decode_bytes(part.payload[: limits.SIGN_CHARS], part.charset)
    if not part.filename.lower().endswith(".svg") and part.content_type != "image/svg+xml":
        yield Found("PAGE_ATTACHED", f"{name} is attached")
    yield from _smuggles(source)
    page = read_page(source) if source.count("<") <= limits.HTML_TAGS // 4 else Page(complete=False)
    if page.passwords or (page.actions and page.inputs):
        yield Found("PAGE_ATTACHED_FORM", f"{name} has fields to fill in")
    if page.scripts or page.handlers or _SCRIPT.search(source):
        yield Found("PAGE_ATTACHED_SCRIPT", f"{name} has a script")
    if page.refreshes:
        yield Found("PAGE_ATTACHED_REFRESH", f"{name} leads to another page by itself")


def _smuggles(source: str) -> Iterator[Found]:
    """Whether a script decodes something, and does it in two ways or more: one alone is in many."""
    text = source[: limits.SIGN_CHARS]
    if not _SCRIPT.search(text):
        return
    found = {match[0].lower() for match in _SMUGGLING.finditer(text)}
    if len(found) >= 2 and any(sign in one for one in found for sign in _STRONG):
        yield Found("PAGE_SMUGGLES", f"a script has {', '.join(sorted(found)[:3])}")


def _alternatives(message: Message) -> Iterator[Found]:
    if message.tree.containers.count("multipart/alternative") != 1 or len(message.text_parts) != 2:
        return
    (first, text), (second, _) = message.text_parts
    if (first.content_type, second.content_type) != ("text/plain", "text/html") or first.depth != second.depth:
        return
    plain = set(_WORD.findall(text[: limits.SIGN_CHARS].lower()))
    page: set[str] = set()
    same: set[str] = set()
    for match in _WORD.finditer(message.pages[0].text[: limits.SIGN_CHARS].lower()):
        page.add(match[0])
        if match[0] in plain:
            same.add(match[0])
            if len(same) * 10 >= len(plain):
                return  # As is usual, and seen by the beginning.
    if min(len(plain), len(page)) >= 20 and len(same) * 10 < min(len(plain), len(page)):
        yield Found("ALTERNATIVES_DIFFER", f"of {len(plain)} and {len(page)} words {len(same)} are the same")
