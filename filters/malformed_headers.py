"""Row 33: what is odd in the structure of the header, of the MIME structure it announces, and of what is shown?

Why it works: mail software writes headers that follow the rules; spam software is written in a hurry.
Each oddity alone proves nothing (old and homely senders have them too), so every one only scores, with
the weight learned for it; what authors, pages and letters pretend (`tamis.phishing`), with a given one.
SPEC, section 1, row 33; RFC 5322, RFC 2045, RFC 2047.
"""

import re
from collections.abc import Iterator

from tamis import header_octets, limits
from tamis.charset import is_charset
from tamis.contract import Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.mail_date import seconds_of
from tamis.message import Message
from tamis.phishing import author_signs, letter_signs, page_signs
from tamis.phishing.brands import data_version
from tamis.phishing.sign import as_hits

_HOUR, _DAY = 3600.0, 86400.0
_MESSAGE_ID = re.compile(r"<[^\s<>@]+@([^\s<>@]+)>")
_RECEIVED_DATE = re.compile(r";\s*([^;]{10,60})$")
_ENCODINGS = ("", "7bit", "8bit", "binary", "base64", "quoted-printable")
_ONCE = ("from", "to", "cc", "subject", "date", "message-id", "reply-to", "sender", "mime-version", "content-type")
_SIGNS = {**author_signs.SIGNS, **page_signs.SIGNS, **letter_signs.SIGNS}


class MalformedHeaders(Filter):
    name = "malformed-headers"
    stage = Stage.MESSAGE
    scores = True
    tests = {
        "MISSING_FROM": "no From: field",
        "MISSING_DATE": "no Date: field",
        "MISSING_TO": "neither To: nor Cc:",
        "MISSING_SUBJECT": "no Subject: field",
        "MISSING_MESSAGE_ID": "no Message-ID: field",
        "EMPTY_SUBJECT": "a Subject: field with nothing in it",
        "EMPTY_TO": "a To: field with nothing in it",
        **{f"REPEATED_{name.upper().replace('-', '_')}": f"more than one {name.title()}: field" for name in _ONCE},
        "FROM_NO_ADDRESS": "From: holds no mail address",
        "FROM_SEVERAL": "From: holds several addresses",
        "DATE_INVALID": "Date: is no date",
        "DATE_BEFORE_RECEIVED": "Date: is more than two days before the first hop",
        "DATE_AFTER_RECEIVED": "Date: is more than two hours after the last hop",
        "MESSAGE_ID_INVALID": "Message-ID: has not the form <left@right>",
        "MESSAGE_ID_SHORT_HOST": "the right side of Message-ID: has no dot",
        "FIELD_8BIT": "raw octets above 127 in a header field",
        "SUBJECT_8BIT": "raw octets above 127 in Subject:",
        "FROM_8BIT": "raw octets above 127 in From:",
        "FIELD_CONTROL": "control characters in a header field",
        "FIELD_NUL": "NUL in a header field",
        "FIELD_LONG_LINE": "a header line of more than 998 characters",
        "FIELD_BLANK_FOLD": "a folded header line of white space only",
        "FIELD_NAME_LONG": "a field name of more than 60 characters",
        "HEADER_ENDED_EARLY": "a line that is no header field ends the header",
        "ENCODED_WORD_BROKEN": "an encoded word with an unknown charset or encoding",
        "SUBJECT_NEEDLESSLY_ENCODED": "Subject: is encoded though it is plain ASCII",
        "MIME_WITHOUT_VERSION": "a MIME content type without MIME-Version:",
        "MIME_NO_BOUNDARY": "a multipart without a boundary, or whose boundary never comes",
        "MIME_UNCLOSED": "a multipart that is not closed",
        "MIME_CHARSET_UNKNOWN": "a text part in a charset nobody knows",
        "MIME_ENCODING_UNKNOWN": "a transfer encoding nobody knows",
        "MIME_TYPE_INVALID": "a Content-Type: that is none",
        "RECEIVED_NONE": "no Received: field, as if it came from nowhere",
        **{name: sign.meaning for name, sign in _SIGNS.items()},
    }
    given = {name: sign.points for name, sign in _SIGNS.items()}
    version = data_version()

    class Options(FilterOptions, frozen=True):
        protected_names: tuple[str, ...] = ()
        protect_users: bool = False

    def lasting_key(self, mail: Mail, options: Options) -> bytes | None:
        # A user may come or go at any time.
        return None if options.protect_users else mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        yield from self.kept(mail, ctx)

    def lasting(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        yield from (Hit(name, self.tests[name]) for name in anomalies(mail.message))
        known = ctx.directory.has_person if ctx.directory and ctx.options.protect_users else None
        authors = author_signs.found_in(mail, ctx.recipients, ctx.options.protected_names, known)
        yield from as_hits((*authors, *page_signs.found_in(mail.message), *letter_signs.found_in(mail.message)), _SIGNS)


def anomalies(message: Message) -> list[str]:
    """Return the names of the tests that a message hits, in the order of `MalformedHeaders.tests`."""
    found = {
        *_presence(message),
        *_dates(message),
        *_identity(message),
        *header_octets.oddities(message),
        *_mime(message),
    }
    return [name for name in MalformedHeaders.tests if name in found] if found else []


def _presence(message: Message) -> Iterator[str]:
    for name in ("from", "date", "message-id"):
        if not message.fields(name):
            yield f"MISSING_{name.upper().replace('-', '_')}"
    if not message.fields("to") and not message.fields("cc"):
        yield "MISSING_TO"
    if not message.fields("subject"):
        yield "MISSING_SUBJECT"
    elif not message.subject:
        yield "EMPTY_SUBJECT"
    if not message.fields("received"):
        yield "RECEIVED_NONE"
    if message.header("to") == "":
        yield "EMPTY_TO"
    for name in _ONCE:
        if len(message.fields(name)) > 1:
            yield f"REPEATED_{name.upper().replace('-', '_')}"


def _identity(message: Message) -> Iterator[str]:
    if message.fields("from"):
        if not message.authors:
            yield "FROM_NO_ADDRESS"
        elif len(message.authors) > 1:
            yield "FROM_SEVERAL"
    message_id = message.header("message-id")
    if message_id is not None:
        match = _MESSAGE_ID.fullmatch(message_id)
        if match is None:
            yield "MESSAGE_ID_INVALID"
        elif "." not in match.group(1):
            yield "MESSAGE_ID_SHORT_HOST"


def _dates(message: Message) -> Iterator[str]:
    text = message.header("date")
    if text is None:
        return
    date = seconds_of(text)
    if date is None:
        yield "DATE_INVALID"
        return
    hops = []
    for field in message.fields("received")[: limits.RECEIVED_FIELDS]:
        match = _RECEIVED_DATE.search(field.text[-100:])
        hop = seconds_of(match.group(1)) if match else None
        if hop is not None:
            hops.append(hop)
    if hops and date < min(hops) - 2 * _DAY:
        yield "DATE_BEFORE_RECEIVED"
    if hops and date > max(hops) + 2 * _HOUR:
        yield "DATE_AFTER_RECEIVED"


def _mime(message: Message) -> Iterator[str]:
    tree = message.tree
    declared = message.header("content-type")
    if declared is not None:
        if not message.fields("mime-version"):
            yield "MIME_WITHOUT_VERSION"
        if not re.match(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+\s*(;|$)", declared):
            yield "MIME_TYPE_INVALID"
    if tree.missing_boundaries:
        yield "MIME_NO_BOUNDARY"
    if tree.unclosed:
        yield "MIME_UNCLOSED"
    for part in tree.parts:
        if part.content_type.startswith("text/") and part.charset and not is_charset(part.charset):
            yield "MIME_CHARSET_UNKNOWN"
        if part.encoding not in _ENCODINGS:
            yield "MIME_ENCODING_UNKNOWN"
