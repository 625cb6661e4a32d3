"""The message view: what arrived, parsed once, lazily, and never raising.

Every filter, the classifier and the command line read messages through `Message`; the caps of
`tamis.limits` are applied here, so that nothing a stranger sends raises or runs away past it.
"""

import hashlib
import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from tamis import limits
from tamis.addresses import Mailbox, parse_mailboxes
from tamis.charset import decode_bytes
from tamis.content_digest import content_digest
from tamis.html_page import Page, read_page
from tamis.mime import Field, HeaderBlock, Part, Tree, parse_header, parse_tree
from tamis.once import once

if TYPE_CHECKING:
    from tamis.links import Links

_IN_URL: Final = r"[^\s<>\"'\x00-\x1f]{3,}"
_BEHIND_SCHEME: Final = re.compile(rf"://(?:(?<=(?i:http)://)|(?<=(?i:https)://)|(?<=(?i:ftp)://)){_IN_URL}")
_BEHIND_WWW: Final = re.compile(rf"\.(?<=[wW][wW][wW]\.)(?<![\w./@-]....){_IN_URL}")
"""From the first letter on that is always the same: that is found seven times as fast as letters in any case."""
_SCHEME: Final = re.compile(r"(?:https?|ftp)\Z", re.I)
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_FROM_FIELD: Final = re.compile(rb"From[ \t]+:")


def normalise(raw: bytes) -> bytes:
    """Return a message with LF line ends and without an mbox separator line, so that the same
    message reads the same from a file, an mbox, a Maildir and the milter."""
    if raw.startswith((b"From ", b">From ")) and not _FROM_FIELD.match(raw):
        raw = raw.partition(b"\n")[2]
    return raw.replace(b"\r\n", b"\n") if b"\r\n" in raw else raw


class Message:
    """One message, from its octets. All properties are computed on first use and none raises.

    `raw` is the message with LF line ends, at most `limits.MESSAGE_BYTES` long; `size` the octets it
    really has, which may be more. What lies beyond `raw` is for scanners alone: `beyond` reads it.
    """

    def __init__(
        self, raw: bytes, size: int | None = None, beyond: Callable[[], Iterable[bytes]] | None = None
    ) -> None:
        self.size = len(raw) if size is None else size
        self._beyond = beyond
        self.raw = normalise(raw[: limits.MESSAGE_BYTES])
        self.size_capped = self.size > limits.MESSAGE_BYTES

    def beyond(self) -> Iterable[bytes]:
        """The octets beyond `raw`, piece by piece, as they came. Raises `OSError` where they cannot be had.

        Nothing parses them: they may be gigabytes.
        """
        if not self.size_capped:
            return ()
        if self._beyond is None:
            raise OSError("what lies beyond the cap is not kept")
        return self._beyond()

    @once
    def header_block(self) -> HeaderBlock:
        return parse_header(self.raw)

    @property
    def headers(self) -> tuple[Field, ...]:
        """The header fields in order, octets as they came."""
        return self.header_block.fields

    @property
    def numbers(self) -> dict[bytes, list[int]]:
        """Where the fields of each name stand, from the top; the names in small letters, as octets."""
        return self.header_block.numbers

    @once
    def _by_name(self) -> dict[str, list[Field]]:
        headers = self.headers
        numbers = self.numbers
        if all(map(bytes.isascii, numbers)):
            return {name.decode(): [headers[number] for number in places] for name, places in numbers.items()}
        names: dict[str, list[Field]] = {}
        for field in headers:  # Names that differ in octets may be the same in letters.
            names.setdefault(decode_bytes(field.name).lower(), []).append(field)
        return names

    def fields(self, name: str) -> list[Field]:
        """All fields of that name, in any case, in order."""
        return self._by_name.get(name.lower(), [])

    def header(self, name: str) -> str | None:
        """The first field of that name decoded, or None."""
        found = self._by_name.get(name.lower())
        return found[0].text if found else None

    @once
    def subject(self) -> str:
        return self.header("subject") or ""

    @once
    def authors(self) -> list[Mailbox]:
        """The mailboxes of the From: fields, in order (RFC 5322, section 3.6.2)."""
        return [box for field in self.fields("from")[: limits.AUTHOR_FIELDS] for box in parse_mailboxes(field.value)]

    @once
    def body(self) -> bytes:
        """The octets after the header block."""
        return self.raw[self.header_block.body_start :]

    @once
    def tree(self) -> Tree:
        return parse_tree(self.header_block, self.body)

    @property
    def parts(self) -> list[Part]:
        """The leaves of the MIME tree, in order."""
        return self.tree.parts

    @once
    def text_parts(self) -> list[tuple[Part, str]]:
        """Each text part with its decoded source, HTML as markup, within `limits.TEXT_BYTES` in all.

        Text that is declared an attachment is left out, but where there is no other: clients show it then.
        """
        room = limits.TEXT_BYTES
        found = []
        texts = [part for part in self.parts if part.content_type.startswith("text/")]
        for part in [part for part in texts if part.disposition != "attachment"] or texts:
            if room <= 0:
                break
            payload = part.payload[: min(room, limits.HTML_BYTES if part.content_type == "text/html" else room)]
            room -= len(payload)
            found.append((part, decode_bytes(payload, part.charset)))
        return found

    @once
    def pages(self) -> list[Page]:
        """The HTML parts among `text_parts` as a reader meets them, in order."""
        tags, pieces = limits.HTML_TAGS, limits.HTML_PIECES
        found = []
        for part, source in self.text_parts:
            if part.content_type == "text/html":
                tags -= source.count("<")
                pieces -= len(source.split()) + source.count("/") + (source.count('"') + source.count("'")) // 2
                fits = min(tags, pieces) >= 0
                found.append(read_page(source) if fits else Page(strip_markup(source), complete=False))
        return found

    @once
    def text(self) -> str:
        """The text a reader sees: every text part decoded, HTML without markup and what it hides."""
        pages = iter(self.pages)
        return "\n".join(
            next(pages).text if part.content_type == "text/html" else source for part, source in self.text_parts
        )

    @once
    def urls(self) -> tuple[str, ...]:
        """Distinct URLs written in text or markup, in order of appearance, within `limits.URLS`."""
        found: dict[str, None] = {}
        for part, source in self.text_parts:
            for start, end in _url_places(source):
                url = source[start : min(end, start + limits.URL_CHARS)]
                url = html.unescape(url) if part.content_type == "text/html" else url.rstrip(".,;:!?)]}")
                found[url] = None
                if len(found) >= limits.URLS:
                    return tuple(found)
        return tuple(found)

    @once
    def links(self) -> "Links":
        """The domains and addresses that the message leads to or names."""
        from tamis.links import links_of  # It needs the public suffix list, which takes its time to load.

        return links_of(self)

    @once
    def capped(self) -> bool:
        """Whether some cap kept a part of the message from being looked at."""
        return self.size_capped or self.header_block.capped or self.tree.capped

    @once
    def digest(self) -> bytes:
        """BLAKE2b-160 of all that is looked at, headers included, and of whether there is more."""
        return hashlib.blake2b(self.raw, digest_size=20, person=b"capped" if self.size_capped else b"").digest()

    @once
    def content_digest(self) -> bytes | None:
        """What is the same in all copies of the message (`tamis.content_digest`), None where it has no content."""
        return content_digest(self)


def _url_places(source: str) -> Iterator[tuple[int, int]]:
    """Yield where each URL begins and ends; one within another is a part of that."""
    end = 0
    for match in sorted([*_BEHIND_SCHEME.finditer(source), *_BEHIND_WWW.finditer(source)], key=re.Match.start):
        start = match.start()
        if start < end:
            continue
        end = match.end()
        if source[start] == ".":
            yield start - len("www"), end
        else:
            scheme = _SCHEME.search(source, max(0, start - len("https")), start)
            yield scheme.start() if scheme else start, end


def strip_markup(source: str) -> str:
    """Return HTML without its tags by one linear scan, for what is too large to parse."""
    return html.unescape(_TAG.sub(" ", source))
