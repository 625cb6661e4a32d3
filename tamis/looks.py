"""How an element looks: what it says itself, by attributes and style sheets, and what it gets from around it.

Of what spam hides text with: what `tamis.css` reads, and the attributes that were there before style sheets.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from tamis import css, limits

Attributes = dict[str, str | None]
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
_LOOKED_AT: Final = ("class", "id", "style", "hidden", "color", "bgcolor", "background", "text")
"""Attributes that say how an element looks."""
_SAYING: Final = frozenset(_LOOKED_AT)
_WHITE: Final = (255, 255, 255)
_INHERITED: Final = "inherited"


class Look(NamedTuple):
    """How an element and what is in it looks, inherited from the outside in."""

    removed: bool = False
    invisible: bool = False
    size: float | None = None
    colour: "css.Colour | str | None" = None
    background: "css.Colour | str | None" = _WHITE
    hides: bool = False
    """Whether what is in it is not seen: what the other fields say together."""


class _Own(NamedTuple):
    """What an element says itself of how it looks; `_INHERITED` or None where it says nothing."""

    removed: bool
    invisible: bool | None
    size: float | None
    colour: "css.Colour | str | None"
    background: "css.Colour | str | None"
    named: bool
    """Whether a rule of a style sheet that was not understood may be about its background."""
    parts: bool
    """Whether it stands apart from what is around it, and so parts words."""


class Looks:
    """How the elements of one page look."""

    def __init__(self, sheets: Iterable[str]) -> None:
        """Read the page's style sheets."""
        self._rules: dict[str, css.Style] = {}
        self._sheets_colour = False
        for text in sheets:
            self._sheets_colour = self._sheets_colour or "background" in text.lower()
            for selector, style in css.rules(text):
                self._rules.setdefault(selector, {}).update(style)
        self._said: dict[tuple[str | bool | None, ...], _Own | None] = {}
        """What elements say: most cells of a table say the same."""

    def inside(self, tag: str, attributes: Attributes, look: Look) -> tuple[Look, bool]:
        """Return how what is in an element looks that stands in one of that look, and whether it parts words."""
        key: tuple[str | bool | None, ...]
        if _SAYING.isdisjoint(attributes):
            if not self._rules:
                return look, tag in _BLOCKS
            key = (tag,)
        else:
            key = (tag, *map(attributes.get, _LOOKED_AT), "hidden" in attributes)
        if key not in self._said:
            self._said[key] = self._own(tag, attributes)
        own = self._said[key]
        return (look, tag in _BLOCKS) if own is None else (_together(own, look), own.parts)

    def _own(self, tag: str, attributes: Attributes) -> _Own | None:
        """Return what an element says of how it looks, None for nothing."""
        names = (attributes.get("class") or "").split()[: limits.STYLE_CLASSES]
        named = bool(names or attributes.get("id"))
        style = dict(self._rules.get(tag, ()))
        if self._rules:
            for name in names:
                style.update(self._rules.get(f".{name}", ()))
            if identity := attributes.get("id"):
                style.update(self._rules.get(f"#{identity}", ()))
        written = attributes.get("style")
        if written:
            style.update(css.declarations(written))
        if not style and not named and not attributes.keys() & {"hidden", "color", "bgcolor", "background", "text"}:
            return None
        text_colour = style.get("color") or attributes.get("color") or (attributes.get("text") if tag == "body" else "")
        visibility = style.get("visibility")
        return _Own(
            removed="hidden" in attributes or css.removes(style),
            invisible=visibility in ("hidden", "collapse") if visibility else None,
            size=css.font_size(style),
            colour=css.colour(text_colour) if text_colour else _INHERITED,
            background=_background(style, attributes),
            named=named and self._sheets_colour,
            parts=tag in _BLOCKS or style.get("display") in _PARTING,
        )


def _together(own: _Own, look: Look) -> Look:
    """Return how an element looks that says something of it, within one of that look."""
    background = look.background if own.background == _INHERITED else own.background
    if own.named and background == look.background:
        # A rule that was not understood may give it a background of its own.
        background = None
    removed = look.removed or own.removed
    invisible = look.invisible if own.invisible is None else own.invisible
    size = look.size if own.size is None else own.size
    colour = look.colour if own.colour == _INHERITED else own.colour
    unseen = removed or invisible or css.is_tiny(size) or colour == "transparent" or css.look_alike(colour, background)
    return Look(removed, invisible, size, colour, background, unseen)


def _background(style: css.Style, attributes: Attributes) -> "css.Colour | str | None":
    """Return the colour that an element has behind it, None where it is not known, as with a picture."""
    if "background-image" in style or "url(" in style.get("background", "") or attributes.get("background"):
        return None
    written = style.get("background-color") or style.get("background") or attributes.get("bgcolor")
    if not written:
        return _INHERITED
    found = css.colour(written)
    return _INHERITED if found == "transparent" else found
