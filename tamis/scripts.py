"""Which scripts a message is written in: the characters that a reader sees of it."""

import re

from tamis.message import Message


def visible_text(message: Message) -> str:
    """Return subject, display names, file names, text, and URLs with their internationalised hosts decoded."""
    shown = [message.subject]
    shown.extend(box.name for box in message.authors)
    shown.extend(field.text for name in ("to", "cc", "reply-to", "sender") for field in message.fields(name))
    shown.extend(part.filename for part in message.parts if part.filename)
    shown.append(message.text)
    shown.extend(_unpunycode(url) for url in message.urls)
    return "\n".join(shown)


def _unpunycode(url: str) -> str:
    return re.sub(r"xn--([a-z0-9-]{1,59})", _decode_label, url, flags=re.I)


def _decode_label(match: re.Match[str]) -> str:
    try:
        return match.group(1).encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return match.group()


def share(found: int, text: str) -> float:
    """Return the share of `found` characters among the letters of `text`, 0 where it has none."""
    letters = sum(letter.isalpha() for letter in text)
    return found / letters if letters else 0.0
