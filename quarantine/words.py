"""The text of a message in which people search: one spelling for what is stored and for what is asked."""

import unicodedata
from collections.abc import Iterable
from typing import Final

OCTETS: Final = 2000
"""What is kept of it: an entry of PostgreSQL's indices has room for 2,700."""


def plain(text: str) -> str:
    """Return a text without regard to case, width and white space, as UTF-8 without NUL."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.encode("utf-8", "replace").decode().replace("\0", "?").split())


def searchable(texts: Iterable[str]) -> str:
    """Return texts, each on a line of its own and once, the first ones first where there is no room for all."""
    lines = "\n".join(dict.fromkeys(line for line in map(plain, texts) if line))
    return lines.encode()[:OCTETS].decode("utf-8", "ignore")
