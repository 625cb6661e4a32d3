"""Row 11: has the message no author, or a null sender without being a notice?

Why it works: every message has an author (RFC 5322, section 3.6), and mail software never leaves From: out.
The null sender is for notices that nobody may answer (RFC 5321, section 4.5.5): bounces, receipts,
automatic replies. Spam software takes it because checks of the sender then find nothing to check, and what
it sends does not look like a notice. SPEC, section 1, row 11.

No From: at all decides; one that ran into the field before it, since a line break was lost, is one all the same.
A null sender passes when one clause below holds: a report (RFC 3464, 5965, 6533, 8098, which replaces 3798; or in
JSON), an automatic reply (RFC 3834), a daemon as author, a returned message, a Message-ID of our outgoing mail that it
names, or a recipient of this message quoted in its body. Otherwise it scores, and decides where the score is strong.
"""

import re
from collections.abc import Iterator
from typing import Final

from tamis import limits
from tamis.contract import Abstain, Context, Filter, Hit, Stage
from tamis.delivery_failures import quoted_keys
from tamis.mail import Mail
from tamis.message import Message
from tamis.notices import shape_of_a_notice

ODD_POINTS: Final = 1.0
"""What a null sender without the shape of a notice adds to the score; measured in docs/how-it-works.md."""
STRONG_SHARE: Final = 0.5
"""The share of the recipient's level at which the score is strong spam evidence; measured there too."""

_STRUCTURED = ("date", "to", "cc", "sender", "reply-to", "message-id", "mime-version")
_SWALLOWED_FROM = re.compile(r"(?<!\S)From:[ \t][^@]{1,200}+@[\w-]", re.I)
_ADDRESS = re.compile(r"(?<![\w.!#$%&+/=?^~-])[\w.!#$%&+/=?^~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.A)


class MissingSender(Filter):
    name = "missing-sender"
    stage = Stage.MESSAGE
    scores = True
    tests = {
        "NO_AUTHOR": "no From: field",
        "NULL_SENDER_NOTICE": "a null sender, as it is right for a notice",
        "NULL_SENDER_ODD": "a null sender on a message that is no notice",
    }

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        message = mail.message
        if not message.fields("from") and not author_is_swallowed(message):
            if message.header_block.capped:
                raise Abstain("a cap kept some header fields from being looked at")
            yield Hit("NO_AUTHOR", "there is no From: field", decides=True, amount=0.0)
        elif not mail.sender_known:
            raise Abstain("the envelope sender is not known")
        elif not mail.sender:
            yield from self._null_sender(mail, ctx)

    def _null_sender(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        clause = shape_of_a_notice(mail.message)
        if clause:
            yield Hit("NULL_SENDER_NOTICE", f"null sender, and {clause}", amount=0.0)
            return
        quoted = quoted_recipients(mail)
        others = [recipient for recipient in dict.fromkeys(mail.recipients) if recipient not in quoted]
        answers = _answers_ours(mail, ctx) if others else False
        if answers:
            yield Hit("NULL_SENDER_NOTICE", "null sender, and it names a Message-ID of ours", amount=0.0)
            return
        if others and mail.message.capped:
            raise Abstain("a cap kept from view what might make it a notice")
        if answers is None:
            raise Abstain("it names Message-IDs, and whether one is ours is not known: Redis does not answer")
        for recipient in quoted:
            because = f"null sender, and the body quotes {recipient}"
            yield Hit("NULL_SENDER_NOTICE", because, recipient=recipient, amount=0.0)
        for recipient in others if quoted else [""]:
            because = "null sender, and no sign of a notice"
            yield Hit("NULL_SENDER_ODD", because, recipient=recipient, amount=ODD_POINTS, decides_at_share=STRONG_SHARE)


def _answers_ours(mail: Mail, ctx: Context) -> bool | None:
    """Whether it names a Message-ID of our outgoing mail; None where that is not known."""
    keys = quoted_keys(mail.message) if ctx.sent is not None else []
    return ctx.sent.any_known(keys, ctx.now) if ctx.sent is not None and keys else False


def author_is_swallowed(message: Message) -> bool:
    """Whether a From: with an address stands within a field whose syntax has no place for it."""
    fields = (field for name in _STRUCTURED for field in message.fields(name)[: limits.AUTHOR_FIELDS])
    return any(_SWALLOWED_FROM.search(field.text[: limits.ADDRESS_FIELD_CHARS]) for field in fields)


def quoted_recipients(mail: Mail) -> list[str]:
    """Return the recipients of the message whose address stands in its text. One within a URL does not count."""
    written = {match[0].lower() for match in _ADDRESS.finditer(mail.message.text)}
    return [recipient for recipient in dict.fromkeys(mail.recipients) if recipient in written]
