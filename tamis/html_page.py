"""One HTML part as a reader meets it: the text that is seen, how much is hidden, and what can be clicked or sent.

One walk over the parsed tree, each element once. Never raises. Clients differ; where they do, the view is that of a
browser with scripts switched off and images not loaded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tamis import counted, limits
from tamis.looks import Attributes, Look, Looks

_UNSEEN: Final = frozenset({"script", "style", "template", "noscript", "title"})
_NO_WIDTH: Final = "\u00ad\u034f\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_REFRESH: Final = re.compile(r"\s{0,20}[\d.]{0,10}\s{0,20}[;,]?\s{0,20}url\s{0,20}=", re.I)
_NOTED: Final = frozenset(
    {"meta", "script", "form", "input", "textarea", "select", "iframe", "frame", "object", "embed"}
)
"""Elements that do something, seen or not."""
_LEADING: Final = frozenset({"a", "area"})
"""Elements that can be clicked on."""


@dataclass(slots=True)
class Anchor:
    """A link: where it leads, as written, and the text to click on."""

    href: str
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The visible text of the link, white space as one space."""
        return " ".join("".join(self.pieces)[: limits.URL_CHARS].split())


@dataclass(slots=True)
class Page:
    """`shown` and `hidden` count characters other than white space; `split` the words that empty markup cuts apart."""

    text: str = ""
    shown: int = 0
    hidden: int = 0
    split: int = 0
    anchors: list[Anchor] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    """Where forms are sent to; an empty one goes to the page itself."""
    passwords: int = 0
    inputs: int = 0
    """Fields that a reader can fill in."""
    refreshes: int = 0
    scripts: int = 0
    handlers: int = 0
    """Elements with an ``on…`` attribute: script that runs at an event."""
    frames: int = 0
    complete: bool = True
    """False where the markup was too large to be parsed: then there is nothing but text."""


def read_page(source: str) -> Page:
    """Return the view of HTML. The parser's time grows with the square of nesting and attributes: cap them first."""
    page = Page()
    root = LexborHTMLParser(source).root
    if root is not None:
        _Reader(page, root).read()
    return page


class _Reader:
    """The walk over one tree."""

    def __init__(self, page: Page, root: LexborNode) -> None:
        self._page = page
        self._root = root
        self._pieces: list[str] = []
        self._joins = False
        """Whether the last thing written was text that nothing has parted from what comes."""

    def read(self) -> None:
        looks = Looks(self._sheets())
        stack: list[tuple[LexborNode | None, Look, Anchor | None]] = [(self._root, Look(), None)]
        while stack:
            node, look, anchor = stack.pop()
            if node is None:
                self._part()
            elif node.is_text_node:
                self._text(node.text_content or "", look, anchor)
            elif node.is_element_node:
                tag, attributes = node.tag or "", node.attributes
                if attributes or tag in _NOTED:
                    self._note(tag, attributes)
                if tag in _UNSEEN:
                    continue
                if tag == "head":
                    inside, parts = look._replace(removed=True, hides=True), True
                else:
                    inside, parts = looks.inside(tag, attributes, look)
                if tag in _LEADING:
                    anchor = self._anchor(attributes) or anchor
                if parts:
                    self._part()
                    stack.append((None, look, None))
                stack += [(child, inside, anchor) for child in node.iter(include_text=True)][::-1]
        self._page.text = "".join(self._pieces)

    def _sheets(self) -> Iterator[str]:
        room = limits.STYLE_SHEET_CHARS
        for sheet in self._root.css("style")[: limits.STYLE_SHEETS]:
            text = (sheet.text(deep=True) or "")[:room]
            room -= len(text)
            yield text

    def _part(self) -> None:
        if self._joins:
            self._pieces.append(" ")
        self._joins = False

    def _text(self, text: str, look: Look, anchor: Anchor | None) -> None:
        # A text of ten letters or ten thousand is one step: nothing here looks at single letters.
        solid = counted.solid(text, _NO_WIDTH)
        if look.hides:
            self._page.hidden += solid
            return
        if not text:
            return
        self._page.shown += solid
        if self._joins and solid and not text[0].isspace():
            last = self._pieces[-1][-1:]
            self._page.split += last.isalpha() and text[0].isalpha()
        self._pieces.append(text)
        self._joins = True
        if anchor is not None:
            anchor.pieces.append(text)

    def _note(self, tag: str, attributes: Attributes) -> None:
        """Take note of what an element does, seen or not."""
        page = self._page
        for name in attributes:
            if name[:2] == "on":
                page.handlers += 1
                break
        if tag not in _NOTED:
            return
        if tag == "meta":
            page.refreshes += _is_refresh(attributes)
        elif tag == "script":
            page.scripts += (attributes.get("type") or "").lower() not in ("application/ld+json", "application/json")
        elif tag == "form":
            page.actions.append(attributes.get("action") or "")
        elif tag in ("input", "textarea", "select"):
            kind = (attributes.get("type") or "text").lower().strip()
            page.passwords += kind == "password"
            page.inputs += kind in ("text", "password", "email", "tel", "number")
        else:
            page.frames += 1

    def _anchor(self, attributes: Attributes) -> Anchor | None:
        """Return a link that begins; None where there is none, or there are too many."""
        href = attributes.get("href")
        if not href or len(self._page.anchors) >= limits.ANCHORS:
            return None
        anchor = Anchor(href)
        self._page.anchors.append(anchor)
        return anchor


def _is_refresh(attributes: Attributes) -> bool:
    """Whether a meta element leads the reader to another page by itself."""
    declared = (attributes.get("http-equiv") or "").lower().strip()
    return declared == "refresh" and _REFRESH.match(attributes.get("content") or "") is not None
