"""The links of a message that a reader can follow, taken apart as a browser does. Never raises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from tamis import limits
from tamis.authentication.domains import organisational
from tamis.hosts import Host, host_of
from tamis.links import bare_host
from tamis.message import Message
from tamis.once import once

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,20}):", re.I)
_SLASHES: Final = re.compile(r"[/\\]{1,4}")
_AUTHORITY: Final = re.compile(r"[^/\\?#]{0,512}")
_PORT: Final = re.compile(r":([0-9]{1,6})$")
_BREAKS: Final = re.compile(r"[\t\r\n\x00]")
_INNER: Final = re.compile(r"https?:[/\\]{1,4}([^/\\?#&\s<>\"']{3,253})", re.I)
_SHOWN: Final = re.compile(
    r"(?:https?:[/\\]{2})?((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24})(?::\d{1,5})?(?:[/?#]\S{0,2048})?",
    re.I,
)
_QUOTES: Final = " \t\"'<>()[]«»“”.,;:!…→"


@dataclass(frozen=True)
class Link:
    """A link as written, without what browsers pass over, and the text it is shown as ("" where there is none)."""

    url: str
    shown: str = ""

    @once
    def scheme(self) -> str:
        found = _SCHEME.match(self.url)
        return found[1].lower() if found else ""

    @once
    def authority(self) -> str:
        """What names the host, with all that stands before and behind it; empty of other than web links."""
        rest = self.url[len(self.scheme) + 1 :] if self.scheme else self.url
        slashes = _SLASHES.match(rest)
        if self.scheme not in ("http", "https", "ftp", "") or (not slashes or (not self.scheme and slashes.end() < 2)):
            return ""
        found = _AUTHORITY.match(rest, slashes.end())
        return found[0] if found else ""

    @once
    def host(self) -> Host | None:
        return host_of(self.authority) if self.authority else None

    @once
    def name(self) -> str:
        """The host where it is a name, else nothing."""
        return self.host if isinstance(self.host, str) else ""

    @once
    def organisation(self) -> str:
        return organisational(self.name) if self.name else ""

    @property
    def user(self) -> str:
        """What stands before an ``@`` in front of the host, which many take for the host."""
        return self.authority.rpartition("@")[0]

    @property
    def port(self) -> int | None:
        found = _PORT.search(self.authority.rpartition("@")[2])
        return int(found[1]) if found else None

    @once
    def after_host(self) -> str:
        """Path, query and fragment."""
        at = self.url.find(self.authority) + len(self.authority)
        return self.url[at:] if self.authority else ""

    @once
    def inner(self) -> tuple[str, ...]:
        """The registered domains of the other URLs written within this one, each once."""
        text = self.after_host
        found: dict[str, None] = {}
        for _ in range(3):
            for match in _INNER.finditer(text):
                name = host_of(match[1])
                if isinstance(name, str):
                    found[organisational(name)] = None
            decoded = unquote(text)
            if decoded == text:
                break
            text = decoded
        return tuple(found)

    @once
    def shown_host(self) -> str:
        """The host that the link says it leads to: its whole text is an address of the web, of a domain that exists."""
        match = _SHOWN.fullmatch(self.shown.strip(_QUOTES))
        name = bare_host(match[1]) if match else None
        return name if isinstance(name, str) else ""


def links_of(message: Message) -> list[Link]:
    """Return the links a reader can follow, each once with each text, within `limits.SIGN_LINKS`, in order."""
    found: dict[tuple[str, str], None] = {}
    for link in _links(message):
        found[link] = None
        if len(found) >= limits.SIGN_LINKS:
            break
    return [Link(url, shown) for url, shown in found]


def _links(message: Message) -> Iterator[tuple[str, str]]:
    for page in message.pages:
        for anchor in page.anchors:
            yield _clean(anchor.href), anchor.text
        for action in page.actions:
            yield _clean(action), ""
    # Those of plain text, and of pages that were too large to be parsed.
    for url in message.urls:
        yield _clean(url if "//" in url[:8] else f"http://{url}"), ""


def _clean(url: str) -> str:
    return _BREAKS.sub("", url[: limits.URL_CHARS]).strip()
