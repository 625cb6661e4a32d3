"""The texts of a message in each place where a rule may look, folded."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from tamis import limits
from tamis.message import Message
from tamis.rules.folding import Keep, fold

_LINES: Final = ("html", "urls", "files", "header")
"""Places where letters that stand apart mean nothing: they are not joined."""
OCR: Final = "ocr"


def texts(message: Message, place: str) -> Iterator[str]:
    """Yield the texts of a place of a message, as they are."""
    if place == "subject":
        yield message.subject
    elif place == "text":
        yield message.text
    elif place == "html":
        yield from (source for part, source in message.text_parts if part.content_type == "text/html")
    elif place == "urls":
        yield from map(unquote, message.urls)
    elif place == "files":
        yield from (part.filename for part in message.parts if part.filename)
    elif place == "header":
        yield from (f"{field.name.decode('latin-1')}: {field.text}" for field in message.headers)
    elif place.startswith("header:"):
        yield from (field.text for field in message.fields(place.removeprefix("header:")))


def folded(found: Iterator[str], place: str, keep: Keep) -> tuple[bytes, bool]:
    """Return texts folded, each on a line of its own, in UTF-8; and whether something was left out.

    Of what is longer than `limits.RULE_TEXT_CHARS`, the middle is: who pads a message does so at one end.
    """
    kept = keep | {"spacing"} if place.partition(":")[0] in _LINES else keep
    lines, room, cut = [], limits.RULE_TEXT_CHARS, False
    for text in found:
        if len(text) > room:
            cut, half = True, (room - 1) // 2
            text = f"{text[:half]}\n{text[len(text) - half :]}" if half else ""
        room -= len(text)
        lines.append(fold(text, kept))
        if room <= 0:
            break
    return "\n".join(lines).encode("utf-8", "replace"), cut
