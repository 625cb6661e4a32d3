"""How the header is laid out: length, order, spelling and folding of its fields (RFC 5322, section 3.6)."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers, Table, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("FIELDS", "the number of header fields", (1, 8, 11, 14, 18, 23, 30, 45)),
    Measure("HEADER_LONGEST", "octets of the longest field", (60, 100, 160, 250, 500, 1200)),
    Measure("FOLDED", "fields that are folded", (1, 2, 4, 6, 9)),
    Measure("TAB_FOLDS", "percent of the folded lines that begin with a tab", (1, 50, 100)),
)
FLAGS: Final = {
    "ORDER_TO_BEFORE_FROM": "To: stands above From:",
    "ORDER_SUBJECT_BEFORE_FROM": "Subject: stands above From:",
    "ORDER_SUBJECT_BEFORE_TO": "Subject: stands above To:",
    "ORDER_DATE_BEFORE_FROM": "Date: stands above From:",
    "ORDER_DATE_LAST": "Date: stands below From:, To: and Subject:",
    "ORDER_ID_BEFORE_FROM": "Message-ID: stands above From:",
    "ORDER_ID_BEFORE_DATE": "Message-ID: stands above Date:",
    "ORDER_TYPE_BEFORE_VERSION": "Content-Type: stands above MIME-Version:",
    "ORDER_MIME_BEFORE_FROM": "MIME-Version: stands above From:",
    "ORDER_MIME_BEFORE_SUBJECT": "MIME-Version: stands above Subject:",
    "ORDER_MAILER_BEFORE_FROM": "X-Mailer: or User-Agent: stands above From:",
    "ORDER_REPLY_TO_BEFORE_FROM": "Reply-To: stands above From:",
    "ORDER_REPLY_TO_AFTER_SUBJECT": "Reply-To: stands below Subject:",
    "ORDER_RECEIVED_APART": "other fields stand between Received: fields",
    "ORDER_RECEIVED_NOT_FIRST": "the first field is not Received:",
    "ORDER_FROM_FIRST": "the first field after Received: is From:",
    "ORDER_ID_FIRST": "the first field after Received: is Message-ID:",
    "ORDER_DATE_FIRST": "the first field after Received: is Date:",
    "ORDER_REPLY_TO_FIRST": "the first field after Received: is Reply-To:",
    "ORDER_FROM_LAST": "the last field is From:, To:, Subject: or Date:",
    "ORDER_MIME_LAST": "the last field is of MIME",
    "ORDER_CC_BEFORE_TO": "Cc: stands above To:",
    "SPELLED_MESSAGE_ID": "Message-ID: is spelled Message-Id:",
    "SPELLED_MIME_VERSION": "MIME-Version: is spelled Mime-Version:",
    "SPELLED_SMALL": "a field name of the standard in small letters",
    "SPELLED_CAPITALS": "a field name all in capitals, longer than four letters",
    "SPELLED_X_SMALL": "a field name that begins with a small x-",
    "SPELLED_SMALL_SECOND": "a field name whose second word is in small letters: Content-type:",
    "COLON_NO_SPACE": "a field of the standard without a space behind the colon",
    "COLON_TWO_SPACES": "a field of the standard with two spaces behind the colon",
    "COLON_TAB": "a field of the standard with a tab behind the colon",
    "VALUE_SPACE_AT_END": "a field of the standard that ends with white space",
    "VALUE_EMPTY": "a field with nothing in it",
    "FOLD_AT_START": "a field whose value begins on the next line",
    "FROM_FOLDED": "From: is folded",
    "SUBJECT_FOLDED": "Subject: is folded",
    "TO_FOLDED": "To: is folded",
}
_STANDARD: Final = frozenset(
    ["from", "to", "cc", "subject", "date", "message-id", "reply-to", "mime-version", "content-type", "sender"]
)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    names = letter.names
    numbers["FIELDS"] = len(names)
    # Of several of a name, the first.
    place = dict(zip(reversed(names), range(len(names) - 1, -1, -1), strict=True))
    yield from _order(letter, place)
    if letter.asks(_OF_STANDARD):
        yield from _standard(letter)
    values = [field.value for field in letter.headers]
    numbers["HEADER_LONGEST"] = max(map(len, values), default=0)
    if not all(values) or any(map(bytes.isspace, values)):
        yield "VALUE_EMPTY"
    folded = [at for at, value in enumerate(values) if b"\n" in value]
    numbers["FOLDED"] = len(folded)
    folds = b" ".join([values[at] for at in folded])
    numbers["TAB_FOLDS"] = percent(folds.count(b"\n\t"), folds.count(b"\n"))
    if folded:
        yield from {_FOLDED[names[at]] for at in folded if names[at] in _FOLDED}
        if "FOLD_AT_START" in letter.asked and any(values[at][:2] in (b"\n ", b"\n\t", b" \n") for at in folded):
            yield "FOLD_AT_START"
    written = b"\n".join([b"", *[field.name for field in letter.headers], b""])
    yield from [flag for flag, spelled in _SPELLED.of(letter) if spelled.search(written)]


_FOLDED: Final = {name: f"{name.upper()}_FOLDED" for name in ("from", "subject", "to")}
_SPELLED: Final = Table(
    ("SPELLED_X_SMALL", re.compile(rb"\nx-")),
    ("SPELLED_CAPITALS", re.compile(rb"\n(?=[^\n]{5})[^a-zA-Z\n]*[A-Z][^a-z\n]*(?=\n)")),
    ("SPELLED_SMALL_SECOND", re.compile(rb"\n(?:-|[\x00-\x09\x0b-\x2c\x2e-\x60][^-\n]*-)[a-z]")),
    ("SPELLED_MESSAGE_ID", re.compile(rb"\nMessage-Id\n")),
    ("SPELLED_MIME_VERSION", re.compile(rb"\nMime-Version\n")),
)
"""Patterns of names, each behind a line feed and in front of one."""


def _standard(letter: Letter) -> Iterator[str]:
    """Yield what is said of fields of the standard."""
    for name, field in zip(letter.names, letter.headers, strict=True):
        value = field.value
        if name not in _STANDARD or not value.strip():
            continue
        if value[0] not in b" \t\n":
            yield "COLON_NO_SPACE"
        elif value[:2] == b"  ":
            yield "COLON_TWO_SPACES"
        elif value[0] == 9:
            yield "COLON_TAB"
        if value[-1] in b" \t":
            yield "VALUE_SPACE_AT_END"
        if field.name.islower():
            yield "SPELLED_SMALL"


_OF_STANDARD: Final = ("COLON_NO_SPACE", "COLON_TWO_SPACES", "COLON_TAB", "VALUE_SPACE_AT_END", "SPELLED_SMALL")
_ABOVE: Final = Table(
    ("ORDER_TO_BEFORE_FROM", "to", "from"),
    ("ORDER_SUBJECT_BEFORE_FROM", "subject", "from"),
    ("ORDER_SUBJECT_BEFORE_TO", "subject", "to"),
    ("ORDER_DATE_BEFORE_FROM", "date", "from"),
    ("ORDER_ID_BEFORE_FROM", "message-id", "from"),
    ("ORDER_ID_BEFORE_DATE", "message-id", "date"),
    ("ORDER_TYPE_BEFORE_VERSION", "content-type", "mime-version"),
    ("ORDER_MIME_BEFORE_FROM", "mime-version", "from"),
    ("ORDER_MIME_BEFORE_SUBJECT", "mime-version", "subject"),
    ("ORDER_MAILER_BEFORE_FROM", "x-mailer", "from"),
    ("ORDER_MAILER_BEFORE_FROM", "user-agent", "from"),
    ("ORDER_REPLY_TO_BEFORE_FROM", "reply-to", "from"),
    ("ORDER_REPLY_TO_AFTER_SUBJECT", "subject", "reply-to"),
    ("ORDER_CC_BEFORE_TO", "cc", "to"),
)
_FIRST: Final = {
    "from": "ORDER_FROM_FIRST",
    "message-id": "ORDER_ID_FIRST",
    "date": "ORDER_DATE_FIRST",
    "reply-to": "ORDER_REPLY_TO_FIRST",
}


def _order(letter: Letter, place: dict[str, int]) -> Iterator[str]:
    names = letter.names
    for flag, above, below in _ABOVE.of(letter):
        if above in place and below in place and place[above] < place[below]:
            yield flag
    if "date" in place and all(place.get(name, len(names)) < place["date"] for name in ("from", "to", "subject")):
        yield "ORDER_DATE_LAST"
    hops = [at for at, name in enumerate(names) if name == "received"]
    if hops:
        if hops[-1] - hops[0] + 1 != len(hops):
            yield "ORDER_RECEIVED_APART"
        if hops[0]:
            yield "ORDER_RECEIVED_NOT_FIRST"
        after = names[hops[-1] + 1 : hops[-1] + 2]
        if after and after[0] in _FIRST:
            yield _FIRST[after[0]]
    if names:
        if names[-1] in ("from", "to", "subject", "date"):
            yield "ORDER_FROM_LAST"
        elif names[-1] == "mime-version" or names[-1].startswith("content-"):
            yield "ORDER_MIME_LAST"


FAMILY: Final = Family(
    "header layout",
    "length, order, spelling and folding of the fields",
    _look,
    MEASURES,
    FLAGS,
    of_the_header=True,
)
