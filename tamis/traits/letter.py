"""What the tests look at, measured once for each message and shared by all families. Never raises."""

import re
from collections.abc import Container, Iterable, Mapping
from typing import Final

from tamis import limits
from tamis.message import Message
from tamis.mime import Field, unfold
from tamis.once import once
from tamis.traits import forms, native
from tamis.traits.common_words import LANGUAGES
from tamis.traits.html_words import HTML_WORDS
from tamis.traits.marks import MARKS
from tamis.traits.weights import EVERYTHING, asked

_WORD: Final = re.compile(r"[^\W\d_]+")
_HOST: Final = re.compile(r"(?:[a-z]+://)?(?:[^/?#@\s]*@)?([^/?#:\s\\]{1,253})", re.I)
HOPS: Final = 20
"""Received: fields that are looked at more closely, from the last hop on."""
LINES: Final = 400
SPOKEN: Final = 1000
"""Words of which the language is looked for."""


def date_of(hop: str) -> str:
    """Return what stands behind the last semicolon of a Received: field, empty where that is no date by its length."""
    _, semicolon, tail = hop[-100:].rpartition(";")
    date = tail.lstrip()
    if len(date) < 10:
        date = tail[-10:]
    return date if semicolon and 10 <= len(date) <= 60 else ""


class Letter:
    """A message, and what several families want to know of it. Everything is capped, and computed on first use.

    `everything`: also what no test that weighs anything asks for. `asked` says which tests and measures are wanted.
    """

    def __init__(self, message: Message, everything: bool = False) -> None:
        self.message = message
        self.everything = everything
        self.asked: Container[str] = EVERYTHING if everything else asked()
        self.headers = message.headers[: limits.TRAIT_FIELDS]
        # At once: no name has a line feed in it.
        names = b"\n".join([field.name for field in self.headers]).decode("latin-1").lower()
        self.names = names.split("\n") if self.headers else []
        self.has = frozenset(self.names)
        self.parts = message.parts[: limits.TRAIT_PARTS]
        self.types = [part.content_type for part in self.parts]
        self.text = message.text[: limits.TRAIT_TEXT_CHARS]
        self.subject = message.subject[: limits.TRAIT_VALUE_CHARS]
        self.author = message.authors[0] if message.authors else None
        self.urls = message.urls[: limits.TRAIT_URLS]
        self._values: dict[str, str] = {}

    def asks(self, names: Iterable[str]) -> bool:
        """Whether any of some tests or measures is wanted."""
        return any(name in self.asked for name in names)

    @once
    def _first(self) -> Mapping[str, Field]:
        return dict(zip(reversed(self.names), reversed(self.headers), strict=True))

    def field(self, name: str) -> str:
        """The first field of a name, unfolded and not decoded; empty where there is none."""
        value = self._values.get(name)
        if value is None:
            field = self._first.get(name)
            octets = unfold(field.value).strip()[: limits.TRAIT_VALUE_CHARS] if field else b""
            value = self._values[name] = octets.decode("utf-8", "replace")
        return value

    @once
    def received(self) -> list[str]:
        """The Received: fields from the last hop to the first, unfolded."""
        found = [field for name, field in zip(self.names, self.headers, strict=True) if name == "received"]
        return [unfold(field.value)[: limits.TRAIT_VALUE_CHARS].decode("latin-1").strip() for field in found]

    @once
    def hops(self) -> list[str]:
        """The last hops in small letters."""
        return [hop.lower() for hop in self.received[:HOPS]]

    @once
    def hop_dates(self) -> list[str]:
        """The dates of the last hops, empty where there is none."""
        return [date_of(hop) for hop in self.received[:HOPS]]

    @once
    def html(self) -> str:
        """The source of the HTML parts."""
        sources = [source for part, source in self.message.text_parts if part.content_type == "text/html"]
        return "\n".join(sources)[: limits.TRAIT_HTML_CHARS]

    @once
    def html_lower(self) -> str:
        return self.html.lower()

    @once
    def html_octets(self) -> bytes:
        """The same in small letters, in UTF-8."""
        return self.html_lower.encode("utf-8", "replace")

    @once
    def html_words(self) -> frozenset[str]:
        """The pieces of HTML that are in it, by the names of `tamis.traits.html_words`."""
        return HTML_WORDS.found(self.html_octets, self.everything)

    @once
    def tags(self) -> Mapping[str, int]:
        """How often each tag stands in the markup, in small letters, closing ones with their slash."""
        return forms.tags(self.html_lower)

    @once
    def octets(self) -> bytes:
        """The text in UTF-8."""
        return self.text.encode("utf-8", "replace")

    @once
    def marks(self) -> frozenset[str]:
        """The forms of writing that are in the text, by the names of `tamis.traits.marks`."""
        return MARKS.found(self.octets, self.everything)

    @once
    def counts(self) -> native.Octets:
        """How often each octet is in the text."""
        return native.Octets(self.octets)

    @once
    def low(self) -> str:
        """The text in small letters."""
        return self.text.lower()

    @once
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @once
    def stripped(self) -> list[str]:
        """The first lines, without the white space around them."""
        return [line.strip() for line in self.lines[:LINES]]

    @once
    def words(self) -> list[str]:
        """The words of the text in small letters, in order."""
        return _WORD.findall(self.low)

    @once
    def spoken(self) -> tuple[int, int, int, list[int]]:
        """The number of words, the letters of the longest, different ones of the first 300, and how many are of which
        language (`tamis.traits.common_words`)."""
        return LANGUAGES.words(self.low, SPOKEN)

    @once
    def subject_words(self) -> list[str]:
        return _WORD.findall(self.subject)

    @once
    def hosts(self) -> list[str]:
        """The host of each URL, in small letters."""
        return [found[1].lower() if (found := _HOST.match(url)) else "" for url in self.urls]

    @property
    def address(self) -> str:
        """The author's address in small letters, empty where there is none."""
        return self.author.address.lower() if self.author else ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @once
    def boxes(self) -> list[tuple[str, str]]:
        """Display name and address of those in To:."""
        from tamis.addresses import parse_mailboxes

        fields = self.message.fields("to")[:1]
        return [(box.name, box.address.lower()) for field in fields for box in parse_mailboxes(field.value)]
