"""The domains and addresses that a message leads to or names: in its text, markup and header fields.

URLs stand in URLs: percent-encoded, in base64, or as the rewriting gateways of mail providers put them. All of that is
undone to some depth. Time is linear in the size of the message, by the caps of `tamis.limits`, and nothing raises.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from tamis import limits
from tamis.addresses import parse_mailboxes
from tamis.authentication.domains import is_suffix, organisational
from tamis.copies import Copies
from tamis.hosts import Host, host, host_of

if TYPE_CHECKING:
    from tamis.message import Message

# Each pattern begins with the one letter that is rare, so that the machine finds where it may match at once; what
# stands before it is looked back at. Seven times as fast as from the left.
_SCHEMES: Final = r":(?:(?<=(?i:http):)|(?<=(?i:https):)|(?<=(?i:ftp):)|(?<=(?i:hxxp):)|(?<=(?i:hxxps):))"
_URL: Final = re.compile(_SCHEMES + r"[/\\]{1,4}([^\s<>\"'`\x00-\x1f]{3,2048})")
_SCHEME: Final = re.compile(_SCHEMES + r"[/\\]{1,4}([^/\\?#\s<>\"'`]{3,512})")
_WWW: Final = re.compile(r"([wW](?<![\w./@-][wW])[wW][wW]\.[^\s<>\"'`\x00-\x1f]{3,2048})")
_ATTRIBUTE: Final = re.compile(
    r"([hafsbpdcHAFSBPDC](?<!\w[hafsbpdcHAFSBPDC])(?i:(?<=h)ref|(?<=a)ction|(?<=f)ormaction|(?<=s)rc|(?<=s)rcset"
    r"|(?<=b)ackground|(?<=p)oster|(?<=d)ata|(?<=c)ite|(?<=c)ontent))\s{0,8}=\s{0,8}"
    r"(?:\"([^\"]{0,4096})|'([^']{0,4096})|([^\s\"'>]{1,4096}))"
)
_CLICKED: Final = ("href", "action", "formaction", "content")
_RELATIVE_SCHEME: Final = re.compile(r"[/\\]{2}(?=[^/\\])")
_BREAKS: Final = re.compile(r"[\t\r\n\x00]")
"""What browsers leave out of an attribute that holds a URL."""
_ADDRESS: Final = re.compile(r"@(?<=[\w.!#$%&*+/=?^{}|~-]@)([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_BARE: Final = re.compile(r"(?<![\w@./\\:=&%-])((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w@-]|\.\w)")
_IN_PARAMETER: Final = re.compile(r"[?&=][\w-]{0,40}=(?:[/\\]{2})?((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?=[/&#:]|$)")
_BASE64: Final = re.compile(r"aHR0c[A-Za-z0-9+/_-]{6,2048}")
""""http" in base64."""
_REWRITTEN: Final = re.compile(r"https?-3A__([A-Za-z0-9.-]{3,253}?)(?=[_&]|$)")
"""What one mail gateway makes of ``https://``, and of a hyphen ``-2D``."""
_FILE_NAMES: Final = ("md", "mov", "ps", "py", "rs", "sh", "so", "zip")
"""Top-level domains that are far more often endings of file names."""
_DEPTH: Final = 3
_ADDRESS_FIELDS: Final = ("from", "reply-to", "sender", "resent-from", "errors-to", "disposition-notification-to")
_URL_FIELDS: Final = ("list-unsubscribe", "list-help", "list-subscribe", "list-owner", "list-post", "list-archive")


@dataclass(frozen=True, slots=True)
class Links:
    """Registered domains and addresses, each once: those one is led to first, then those that are only named.

    `capped`: there were more URLs than are looked at.
    """

    subjects: tuple[Host, ...]
    capped: bool = False


class _Found:
    """Hosts by how they stand in the message, within the caps."""

    def __init__(self) -> None:
        self.led_to: dict[Host, None] = {}
        self.named: dict[Host, None] = {}
        self.capped = False
        self._urls: set[str] = set()
        self._links = limits.LINKS
        self._room = limits.LINK_CHARS

    def name(self, found: Host | None) -> None:
        """Add a host that is named."""
        if self._another(0):
            self._add(self.named, found)

    def url(self, where: dict[Host, None], rest: str) -> None:
        """Add the hosts of a URL of which the scheme was taken away, and of the URLs within it."""
        if rest in self._urls or not self._another(len(rest)):
            return
        self._urls.add(rest)
        self._add(where, host_of(rest))
        seen = {rest}
        layers = [rest]
        for _ in range(_DEPTH + 1):
            for layer in layers:
                for inner in _within(layer):
                    self._add(where, inner)
            deeper = dict.fromkeys(text for layer in layers for text in _unwrapped(layer) if text not in seen)
            layers = list(deeper)[: limits.NESTED_URLS]
            seen.update(layers)
            self._room -= sum(map(len, layers))

    def _another(self, size: int) -> bool:
        self._links -= 1
        self._room -= size
        self.capped = self.capped or self._links < 0 or self._room < 0
        return not self.capped

    def _add(self, where: dict[Host, None], found: Host | None) -> None:
        if found is not None:
            where[organisational(found) if isinstance(found, str) else found] = None


def links_of(message: "Message") -> Links:
    """Return what a message leads to and names. Each URL is looked at in full; of too many, the last are not."""
    return copies.of(message)


def _found_in(message: "Message") -> Links:
    found = _Found()
    for part, source in message.text_parts:
        if part.content_type == "text/html":
            _in_markup(source, found)
        else:
            _in_text(source, found)
    _in_text(message.subject, found)
    _in_fields(message, found)
    for match in _BARE.finditer(_dotted(f"{message.subject}\n{message.text}")):
        found.name(bare_host(match[1]))
    return Links(tuple(found.led_to | found.named), found.capped)


copies: Final = Copies(_found_in, lambda links: len(links.subjects))


def links_in(text: str) -> Links:
    """Return what a piece of text leads to and names: that of a QR code, say."""
    found = _Found()
    _in_text(text, found)
    for match in _BARE.finditer(_dotted(text)):
        found.name(bare_host(match[1]))
    return Links(tuple(found.led_to | found.named), found.capped)


def _dotted(text: str) -> str:
    """The words of a text that have a dot in them: no other holds a name."""
    return " ".join([word for word in text.split() if "." in word[1:-1]]) if "." in text else ""


def _in_text(text: str, found: _Found) -> None:
    for pattern in (_URL, _WWW):
        for match in pattern.finditer(text):
            found.url(found.led_to, match[1])
    for match in _ADDRESS.finditer(text):
        found.name(host(match[1]))


def _in_markup(source: str, found: _Found) -> None:
    for match in _ATTRIBUTE.finditer(source):
        where = found.led_to if match[1].lower() in _CLICKED else found.named
        value = _BREAKS.sub("", html.unescape(match[2] or match[3] or match[4] or "")).strip()
        relative = _RELATIVE_SCHEME.match(value)
        if relative is not None:
            found.url(where, value[relative.end() :][: limits.URL_CHARS])
        elif value[:7].lower() == "mailto:":
            _in_text(unquote(value[7:]), found)
        for url in _URL.finditer(value):
            found.url(where, url[1])
    # And what is shown, or stands in scripts, styles and comments.
    _in_text(html.unescape(source), found)


def _in_fields(message: "Message", found: _Found) -> None:
    for name in _ADDRESS_FIELDS:
        for field in message.fields(name)[: limits.AUTHOR_FIELDS]:
            for box in parse_mailboxes(field.value):
                found.name(host(box.domain))
    for name in _URL_FIELDS:
        for field in message.fields(name)[: limits.AUTHOR_FIELDS]:
            _in_text(field.text, found)


def _within(text: str) -> Iterator[Host | None]:
    """Yield the hosts of what looks like a URL in a piece of one."""
    for match in _SCHEME.finditer(text):
        yield host_of(match[1])
    for match in _REWRITTEN.finditer(text):
        yield host(match[1].replace("-2D", "-"))
    for match in _IN_PARAMETER.finditer(text):
        yield bare_host(match[1])


def _unwrapped(text: str) -> Iterator[str]:
    """Yield what a piece of a URL says when one encoding is undone."""
    if "%" in text:
        yield unquote(text)
    for match in _BASE64.finditer(text):
        letters = match[0].replace("-", "+").replace("_", "/")
        try:
            yield base64.b64decode(letters[: len(letters) // 4 * 4]).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            continue


def bare_host(text: str) -> Host | None:
    """Return a name without any sign of a URL, where its top-level domain exists and is not the ending of a file."""
    name = host(text)
    if not isinstance(name, str):
        return None
    top = name.rpartition(".")[2]
    if not is_suffix(top) or is_suffix(name) or (top in _FILE_NAMES and name.count(".") == 1):
        return None
    return name
