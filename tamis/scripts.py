"""Which scripts a message is written in."""

import re
from typing import Final
from urllib.parse import unquote

from tamis.message import Message, strip_markup

_A_LABEL: Final = re.compile(r"xn--([a-z0-9-]{1,59})", re.I)
_TRACE: Final = frozenset({b"received", b"return-path", b"x-received", b"delivered-to", b"x-original-to"})


def visible_text(message: Message) -> str:
    """Return subject, display names, file names, text, and URLs with internationalised hosts and escapes decoded."""
    shown = [message.subject]
    shown.extend(box.name for box in message.authors)
    shown.extend(field.text for name in ("to", "cc", "reply-to", "sender") for field in message.fields(name))
    shown.extend(part.filename for part in message.parts if part.filename)
    shown.append(message.text)
    shown.extend(_unpunycode(unquote(url)) for url in message.urls)
    return "\n".join(shown)


def written_text(message: Message) -> str:
    """Return `visible_text`, text that is hidden, and every header field but those of the hosts on the way."""
    trace = {number for name in _TRACE for number in message.numbers.get(name, ())}
    fields = (field.text for number, field in enumerate(message.headers) if number not in trace)
    html = [source for part, source in message.text_parts if part.content_type == "text/html"]
    hidden = (strip_markup(source) for page, source in zip(message.pages, html, strict=True) if page.hidden)
    return "\n".join([visible_text(message), *hidden, *(_unpunycode(unquote(text)) for text in fields)])


def text_for(message: Message, ratio: float) -> str:
    """Return the text in which a script is looked for: all that was written where one character is enough.

    A share is taken of what a reader sees: what machines write into the header would thin it out.
    """
    return visible_text(message) if ratio else written_text(message)


def _unpunycode(text: str) -> str:
    return _A_LABEL.sub(_decode_label, text) if "--" in text else text


def _decode_label(match: re.Match[str]) -> str:
    try:
        return match.group(1).encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return match.group()


def share(found: int, text: str) -> float:
    """Return the share of `found` characters among the letters of `text`, 0 where it has none."""
    letters = sum(letter.isalpha() for letter in text)
    return found / letters if letters else 0.0
