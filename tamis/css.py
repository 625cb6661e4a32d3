"""What styles say about whether text is seen: enough of CSS to know what a mail client hides.

Only what spam hides text with is read: display, visibility, opacity, size, colour, position and clipping, in ``style``
attributes and in rules of style sheets for a class, an id or an element. Rules within ``@media`` and the like hold for
some readers only and are left out. Never raises; the time is linear in the text, which is capped.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tamis import limits

Style = dict[str, str]
Colour = tuple[int, int, int]

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|$)", re.S)
_ESCAPE: Final = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
_SELECTOR: Final = re.compile(r"([a-z][a-z0-9]{0,20})?(?:([.#])([\w-]{1,80}))?", re.I)
_NUMBER: Final = re.compile(r"(-?\d{0,8}\.?\d{0,8})\s{0,4}(px|pt|em|rem|ex|vw|vh|cm|mm|in|%|)", re.I)
_FONT: Final = re.compile(r"(?:^| )(\d{1,4}(?:\.\d{0,4})?(?:px|pt|em|rem|%)?)(?= ?/| \S)", re.I)
_HEX: Final = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})(?:[0-9a-f]{2})?", re.I)
_RGB: Final = re.compile(
    r"rgba?\(\s{0,4}(\d{1,3})[\s,]{1,4}(\d{1,3})[\s,]{1,4}(\d{1,3})(?:[\s,/]{1,4}([\d.]{1,8}))?\s{0,4}\)", re.I
)
_READ: Final = frozenset(
    [
        "background",
        "background-color",
        "background-image",
        "color",
        "display",
        "font",
        "font-size",
        "height",
        "left",
        "margin-left",
        "max-height",
        "max-width",
        "opacity",
        "overflow",
        "position",
        "text-indent",
        "top",
        "visibility",
        "width",
    ]
)
_NAMED: Final[Mapping[str, Colour]] = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "silver": (192, 192, 192),
    "whitesmoke": (245, 245, 245),
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
    "ghostwhite": (248, 248, 255),
    "floralwhite": (255, 250, 240),
}
_REMOVING: Final = frozenset({"display", "opacity", "position", "text-indent", "margin-left", "overflow"})
"""Properties without one of which nothing is removed."""
_LEAST_PIXELS: Final = 2.0
"""Letters below this size are no letters to anybody."""
_FAR_PIXELS: Final = 500.0
_NEAR: Final = 8
"""Steps of 256 that two colours may differ by in each channel and still look the same."""
_PIXELS: Final[Mapping[str, float]] = {"": 1, "px": 1, "pt": 4 / 3, "em": 16, "rem": 16, "ex": 8, "%": 0.16}


def declarations(text: str) -> Style:
    """Return property and value of a list of declarations, in lower case, the last of each name that is read."""
    text = text[: limits.STYLE_CHARS]
    if "/*" in text:
        text = _COMMENT.sub("", text)
    if "\\" in text:
        text = _ESCAPE.sub(_unescape, text)
    found: Style = {}
    for declaration in text.lower().split(";"):
        name, _, value = declaration.partition(":")
        name = name.strip()
        if name in _READ:
            found[name] = " ".join(value.replace("!important", "").split())
    return found


def _unescape(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0xD800 else ""


def rules(sheet: str) -> Iterator[tuple[str, Style]]:
    """Yield (selector, style) of the rules that hold everywhere and for one class (``.x``), id (``#x``) or element."""
    sheet = _COMMENT.sub("", sheet[: limits.STYLE_SHEET_CHARS]).replace("<!--", "").replace("-->", "")
    depth, start, prelude = 0, 0, ""
    for match in re.finditer(r"[{};]", sheet):
        mark, piece = match[0], sheet[start : match.start()]
        if mark == ";" and depth:
            continue
        start = match.end()
        if mark == "{":
            depth += 1
            prelude = piece if depth == 1 else ""
        elif mark == "}":
            if depth == 1 and prelude and "@" not in prelude:
                style = declarations(piece)
                for selector in prelude.split(","):
                    plain = _SELECTOR.fullmatch(selector.strip())
                    if plain and (plain[1] or plain[3]):
                        # `p.x` is taken for `.x`: what differs by element only is not worth the trouble.
                        yield (f"{plain[2]}{plain[3]}" if plain[3] else plain[1].lower()), style
            prelude, depth = "", max(0, depth - 1)


def pixels(value: str) -> float | None:
    """Return a length in pixels, taking a font of 16; None where it is none. A percentage is one of 16."""
    match = _NUMBER.fullmatch(value)
    if match is None or match[1] in ("", "-", ".", "-."):
        return None
    return float(match[1]) * _PIXELS.get(match[2].lower(), 16)


def font_size(style: Style) -> float | None:
    """Return the size of letters in pixels that a style sets, None where it sets none that can be known."""
    if "font-size" in style:
        return pixels(style["font-size"])
    found = _FONT.findall(style.get("font", ""))
    return pixels(found[-1]) if found else None  # A number before it is a weight.


def colour(value: str) -> Colour | str | None:
    """Return red, green and blue, "transparent", or None for what is not known."""
    value = value.strip().lower()
    if value in _NAMED:
        return _NAMED[value]
    if value == "transparent":
        return value
    hexadecimal = _HEX.fullmatch(value)
    if hexadecimal:
        digits = hexadecimal[1] if len(hexadecimal[1]) == 6 else "".join(2 * digit for digit in hexadecimal[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    numbers = _RGB.fullmatch(value)
    if numbers:
        if numbers[4] and numbers[4].strip(".0") == "":
            return "transparent"
        return int(numbers[1]), int(numbers[2]), int(numbers[3])
    return None


def look_alike(one: Colour | str | None, other: Colour | str | None) -> bool:
    """Whether two known colours cannot be told apart."""
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return False
    return all(abs(a - b) <= _NEAR for a, b in zip(one, other, strict=True))


def is_tiny(size: float | None) -> bool:
    """Whether letters of that size cannot be read."""
    return size is not None and size < _LEAST_PIXELS


def removes(style: Style) -> bool:
    """Whether an element is not shown, nor anything in it, whatever that says itself."""
    if not style.keys() & _REMOVING:
        return False
    if style.get("display") == "none" or _is_zero(style.get("opacity", "")):
        return True
    if style.get("position") in ("absolute", "fixed") and any(_is_far(style.get(side, "")) for side in ("left", "top")):
        return True
    if any(_is_far(style.get(name, "")) for name in ("text-indent", "margin-left")):
        return True
    if style.get("overflow") in ("hidden", "clip"):
        return any(_is_little(style.get(name, "")) for name in ("height", "max-height", "width", "max-width"))
    return False


def _is_zero(opacity: str) -> bool:
    value = pixels(opacity)
    return value is not None and value < 0.02


def _is_far(length: str) -> bool:
    value = pixels(length)
    return value is not None and value <= -_FAR_PIXELS


def _is_little(length: str) -> bool:
    value = pixels(length)
    return value is not None and value <= 1
