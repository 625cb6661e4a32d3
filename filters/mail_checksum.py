"""Row 22: did dozens of recipients of the platform get the same message at the same moment?

Why it works: what all unsolicited mail has in common is its number. Each message gets a 160-bit digest, and
the distinct recipients of that digest are counted over a sliding window, so that a second try to deliver, or
the same copy again to the same recipient, counts once. SPEC, section 1, row 22.

Every inbound message is counted, also one that an earlier row has decided or let through: a run whose first
copies were stopped by a list is the same run. Therefore the row is asked like the rows that score. All its
recipients count, whatever their own policies say: the number is the platform's.

The decision is for the copies from that number on; those before it have been delivered. A message with a
mailing list's header (RFC 2919, RFC 2369) only scores: newsletters go to many by their nature. Anybody can
write that header, so it does not free from the score, nor from any other row. `AMOUNT` is small: of 4,694 list
messages that are no spam, 28 have 7.5 points or more without it, and 39 with it (with 2.5 points, 56).
"""

import hashlib
from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta

from tamis import limits
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.message import Message

AMOUNT: Final = 1.0
_LIST_FIELDS: Final = ("List-Id", "List-Unsubscribe", "List-Post")


class MailChecksum(Filter):
    name = "mail-checksum"
    stage = Stage.MESSAGE
    scores = True
    tests = {"MAIL_CHECKSUM": "the same message went to dozens of recipients at the same moment"}

    class Options(FilterOptions, frozen=True):
        recipients: Annotated[int, Meta(ge=2, le=limits.COUNTED_MEMBERS)] = 30
        minutes: Annotated[int, Meta(ge=1, le=60)] = 10

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if mail.message.capped:
            raise Abstain("a cap kept a part of the message from being compared")
        digest = checksum(mail.message)
        if digest is None:
            raise Abstain("no text and no attachment to compare")
        options = ctx.options
        count = ctx.counters and ctx.counters.count(
            b"mail-checksum" + digest, mail.recipients, ctx.now, 60 * options.minutes
        )
        if count is None:
            raise Abstain("recipients cannot be counted: there is no Redis, or it does not answer")
        if count < options.recipients:
            return
        because = f"the same message to {count} recipients within {options.minutes} min"
        listed = next((name for name in _LIST_FIELDS if mail.message.fields(name)), "")
        if listed:
            because += f", with {listed}:"
        yield Hit("MAIL_CHECKSUM", because, decides=not listed, amount=AMOUNT)


def checksum(message: Message) -> bytes | None:
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
    """
    texts = {}
    if sum(len(part.payload) for part, _ in message.text_parts) <= limits.HTML_BYTES:
        texts = {id(part): _collapsed(source) for part, source in message.text_parts}
    contents = [texts.get(id(part), part.payload) for part in message.parts]
    if not any(content.strip() for content in contents):
        return None
    authors = " ".join(box.address for box in message.authors) or (message.header("from") or "")
    kinds = [*message.tree.containers, *(f"{part.depth} {part.content_type}" for part in message.parts)]
    digest = hashlib.blake2b(digest_size=20)
    for piece in (_collapsed(authors), _collapsed(message.subject.casefold()), *map(_collapsed, kinds), *contents):
        digest.update(len(piece).to_bytes(4, "big") + piece)
    return digest.digest()


def _collapsed(text: str) -> bytes:
    return " ".join(text.split()).encode("utf-8", "surrogatepass")
