"""The canonical digest of a message: the same for all its copies, whatever happened to them on the way.

Rows 8 and 22 compare messages by it (SPEC, section 1).
"""

import hashlib
from typing import TYPE_CHECKING, Final

from tamis import limits
from tamis.copies import Copies

if TYPE_CHECKING:
    from tamis.message import Message

DIGEST_BYTES: Final = 20
"""160 bits, as the specification has them."""


def content_digest(message: "Message") -> bytes | None:
    """Return the BLAKE2b-160 of what is the same in all copies of a message, None where it has no content.

    That is, each piece with its length before it:

    - the authors' addresses, normalised; the text of From: where there is no address in it;
    - the subject, decoded, white space collapsed, case folded;
    - the structure: the type of each container, and the depth and type of each leaf;
    - the content of each leaf: decoded text (HTML as its source) with white space collapsed, anything else, and
      text of more than `limits.HTML_BYTES` in all, as the octets under the transfer encoding.

    Not in it is what differs from copy to copy on the way: trace, date, Message-ID, To:, boundaries, transfer
    encodings, file names. A name or a number written into every copy makes another digest: that is the
    classifier's business.

    It is of what was looked at: where `message.capped`, two messages may have the same digest and differ.
    """
    return copies.of(message)


def _found(message: "Message") -> bytes | None:
    texts = {}
    if sum(len(part.payload) for part, _ in message.text_parts) <= limits.HTML_BYTES:
        texts = {id(part): _collapsed(source) for part, source in message.text_parts}
    contents = [texts.get(id(part), part.payload) for part in message.parts]
    if not any(content.strip() for content in contents):
        return None
    authors = " ".join(box.address for box in message.authors) or (message.header("from") or "")
    kinds = [*message.tree.containers, *(f"{part.depth} {part.content_type}" for part in message.parts)]
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for piece in (_collapsed(authors), _collapsed(message.subject.casefold()), *map(_collapsed, kinds), *contents):
        digest.update(len(piece).to_bytes(4, "big") + piece)
    return digest.digest()


copies: Final = Copies(_found)


def _collapsed(text: str) -> bytes:
    return " ".join(text.split()).encode("utf-8", "surrogatepass")
