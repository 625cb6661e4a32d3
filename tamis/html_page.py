"""One HTML part as a reader meets it: the text that is seen, how much is hidden, and what can be clicked or sent.

One walk over the parsed tree, each element once. Never raises. Clients differ; where they do, the view is that of a
browser with scripts switched off and images not loaded.
"""

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tamis import css, limits

_UNSEEN: Final = frozenset({"script", "style", "template", "noscript", "head"})
_BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "button",
        "caption",
        "center",
        "col",
        "colgroup",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "frame",
        "frameset",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "iframe",
        "img",
        "input",
        "legend",
        "li",
        "main",
        "map",
        "menu",
        "meter",
        "nav",
        "object",
        "ol",
        "optgroup",
        "option",
        "p",
        "picture",
        "pre",
        "progress",
        "search",
        "section",
        "select",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
        "video",
        "audio",
        "canvas",
        "area",
    ]
)
"""What parts words. Elements that nobody knows do not, as in browsers."""
_PARTING: Final = frozenset({"block", "inline-block", "table", "table-cell", "table-row", "flex", "grid", "list-item"})
_NO_WIDTH: Final = dict.fromkeys([0xAD, 0x34F, 0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF])
_REFRESH: Final = re.compile(r"\s{0,20}[\d.]{0,10}\s{0,20}[;,]?\s{0,20}url\s{0,20}=", re.I)
_WHITE: Final = (255, 255, 255)


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


class _Look(NamedTuple):
    """How an element and what is in it looks, inherited from the outside in."""

    removed: bool = False
    invisible: bool = False
    size: float | None = None
    colour: "css.Colour | str | None" = None
    background: "css.Colour | str | None" = _WHITE
    anchor: Anchor | None = None
    parts: bool = True
    """Whether it stands apart from what is around it, and so parts words. Not inherited."""

    @property
    def hides(self) -> bool:
        return (
            self.removed
            or self.invisible
            or css.is_tiny(self.size)
            or self.colour == "transparent"
            or css.look_alike(self.colour, self.background)
        )


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
        self._rules: dict[str, css.Style] = {}
        self._sheets_colour = False
        self._joins = False
        """Whether the last thing written was text that nothing has parted from what comes."""

    def read(self) -> None:
        self._read_sheets()
        stack: list[tuple[LexborNode | None, _Look]] = [(self._root, _Look())]
        while stack:
            node, look = stack.pop()
            if node is None:
                self._part()
                continue
            if node.is_text_node:
                self._text(node.text_content or "", look)
            elif node.is_element_node:
                inside = self._element(node, look)
                if inside is None:
                    continue
                if inside.parts:
                    self._part()
                    stack.append((None, look))
                stack.extend((child, inside) for child in reversed(list(node.iter(include_text=True))))
        self._page.text = "".join(self._pieces)

    def _read_sheets(self) -> None:
        room = limits.STYLE_SHEET_CHARS
        for sheet in self._root.css("style")[: limits.STYLE_SHEETS]:
            text = (sheet.text(deep=True) or "")[:room]
            room -= len(text)
            self._sheets_colour = self._sheets_colour or "background" in text.lower()
            for selector, style in css.rules(text):
                self._rules.setdefault(selector, {}).update(style)

    def _part(self) -> None:
        if self._joins:
            self._pieces.append(" ")
        self._joins = False

    def _text(self, text: str, look: _Look) -> None:
        # A text of ten letters or ten thousand is one step: nothing here looks at single letters.
        solid = sum(map(len, (text if text.isascii() else text.translate(_NO_WIDTH)).split()))
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
        if look.anchor is not None:
            look.anchor.pieces.append(text)

    def _element(self, node: LexborNode, look: _Look) -> _Look | None:
        """Take note of an element; return how what is in it looks, None where nothing of it is ever seen."""
        tag = node.tag or ""
        attributes = node.attributes
        page = self._page
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
        elif tag in ("iframe", "frame", "object", "embed"):
            page.frames += 1
        page.handlers += bool(attributes) and any(name[:2] == "on" for name in attributes)
        if tag == "head":
            return look._replace(removed=True, parts=True)
        if tag in _UNSEEN or tag == "title":
            return None
        if tag in ("a", "area"):
            href = attributes.get("href")
            if href and len(page.anchors) < limits.ANCHORS:
                anchor = Anchor(href)
                page.anchors.append(anchor)
                look = look._replace(anchor=anchor)
        return self._look(tag, attributes, look)

    def _look(self, tag: str, attributes: dict[str, str | None], look: _Look) -> _Look:
        parts = tag in _BLOCKS
        if not attributes and not self._rules:
            return look if look.parts is parts else look._replace(parts=parts)
        names = (attributes.get("class") or "").split()[: limits.STYLE_CLASSES]
        named = bool(names or attributes.get("id"))
        style = dict(self._rules.get(tag, ()))
        if self._rules:
            for name in names:
                style.update(self._rules.get(f".{name}", ()))
            style.update(self._rules.get(f"#{attributes.get('id')}", ()))
        written = attributes.get("style")
        if written:
            style.update(css.declarations(written))
        if not style and not named and not attributes.keys() & {"hidden", "color", "bgcolor", "background", "text"}:
            return look if look.parts is parts else look._replace(parts=parts)
        size = css.font_size(style)
        background = _background(style, attributes, look.background)
        if named and self._sheets_colour and background == look.background:
            # A rule that was not understood may give it a background of its own.
            background = None
        text_colour = style.get("color") or attributes.get("color") or (attributes.get("text") if tag == "body" else "")
        visibility = style.get("visibility")
        return look._replace(
            removed=look.removed or "hidden" in attributes or css.removes(style),
            invisible=visibility in ("hidden", "collapse") if visibility else look.invisible,
            size=look.size if size is None else size,
            colour=css.colour(text_colour) if text_colour else look.colour,
            background=background,
            parts=parts or style.get("display") in _PARTING,
        )


def _background(
    style: css.Style, attributes: dict[str, str | None], inherited: "css.Colour | str | None"
) -> "css.Colour | str | None":
    """Return the colour behind an element, None where it is not known, as with a picture."""
    if "background-image" in style or "url(" in style.get("background", "") or attributes.get("background"):
        return None
    written = style.get("background-color") or style.get("background") or attributes.get("bgcolor")
    if not written:
        return inherited
    found = css.colour(written)
    return inherited if found == "transparent" else found


def _is_refresh(attributes: dict[str, str | None]) -> bool:
    """Whether a meta element leads the reader to another page by itself."""
    declared = (attributes.get("http-equiv") or "").lower().strip()
    return declared == "refresh" and _REFRESH.match(attributes.get("content") or "") is not None
