"""A held message as it may be looked at: its text, its page without anything that runs or is fetched, its attachments.

The page is cleaned (nh3) and then shown under a policy of its own that allows neither scripts nor anything from
elsewhere, in a frame without any right: either would do.
"""

from dataclasses import dataclass
from typing import Final

import nh3

from tamis import limits
from tamis.letters.letter import one_line
from tamis.message import Message
from tamis.quarantine.store import Store

_TEXT_CHARS: Final = 100_000
_PAGE_CHARS: Final = 500_000
_ATTACHMENTS: Final = 50
_TAG_NAMES: Final = (
    "a abbr b blockquote br caption center cite code col colgroup dd del div dl dt em font h1 h2 h3 h4 h5 h6 hr i ins "
    "kbd li mark ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul"
)
_TAGS: Final = frozenset(_TAG_NAMES.split())
_ATTRIBUTES: Final = {
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "table": {"border", "cellpadding", "cellspacing"},
    "font": {"color", "size"},
    "*": {"dir", "lang"},
}
PAGE_FIELDS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'self'; base-uri 'none'",
    "X-Frame-Options": "SAMEORIGIN",
}
"""The header fields of a page that strangers have written."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as its sender named it, and its octets."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown of a message. `page`: whether there is HTML; `cut`: whether there is more than is shown."""

    text: str
    page: bool
    cut: bool
    attachments: tuple[Attachment, ...]


def read(store: Store, digest: str) -> Message | None:
    """Return a held message, None where its octets have gone. Raises `OSError`."""
    try:
        with store.spool.open(digest) as file:
            return Message(file.read(limits.MESSAGE_BYTES))
    except FileNotFoundError:
        return None


def preview(message: Message) -> Preview:
    """Return what is shown of a message; whatever it holds, this does not raise."""
    text = _text(message)
    files = [part for part in message.parts if part.is_attachment]
    return Preview(
        text=text[:_TEXT_CHARS].strip(),
        page=bool(_source(message)),
        cut=len(text) > _TEXT_CHARS or message.capped,
        attachments=tuple(
            Attachment(one_line(part.filename, 120) or part.content_type[:120], len(part.payload))
            for part in files[:_ATTACHMENTS]
        ),
    )


def clean_page(message: Message) -> str:
    """Return the HTML of a message: no scripts, no styles, no images, no forms, no links that lead anywhere."""
    return nh3.clean(
        _source(message)[:_PAGE_CHARS],
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        clean_content_tags={"script", "style", "title", "template", "svg", "math"},
        url_schemes=set(),
        link_rel=None,
        strip_comments=True,
    )


def _source(message: Message) -> str:
    """The HTML that a mail program would show."""
    return next((source for part, source in message.text_parts if part.content_type == "text/html"), "")


def _text(message: Message) -> str:
    """What is said in plain text; where nothing is, what a reader of the page sees."""
    plain = [source for part, source in message.text_parts if part.content_type != "text/html"]
    return "\n".join(plain) if plain else message.text
