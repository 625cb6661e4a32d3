"""What is odd in the octets of header fields: no ASCII, control characters, broken encoded words, long lines."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.charset import is_charset
from tamis.message import Message

_ENCODED_WORD: Final = re.compile(rb"=\?([^?\s]*)\?([^?\s]*)\?([^?]*)\?=")
_CONTROL: Final = re.compile(rb"[\x01-\x08\x0b-\x1f\x7f]")
_BLANK_LINE: Final = re.compile(rb"\n[ \t\r\x0b\x0c]+(?:\n|\Z)")


def oddities(message: Message) -> Iterator[str]:
    """Yield the names of tests of row 33, of each as often as it is met."""
    header = message.raw[: message.header_block.body_start]  # What is nowhere in it is in none of its fields.
    high, words, nul = not header.isascii(), b"=?" in header, b"\0" in header
    control, blank = _CONTROL.search(header), _BLANK_LINE.search(header)
    for field in message.headers:
        name, value = field.name, field.value
        if len(name) > 60:
            yield "FIELD_NAME_LONG"
        if len(value) > 998 and any(len(line) > 998 for line in value.split(b"\n")):
            yield "FIELD_LONG_LINE"
        if blank and b"\n" in value and any(not line.strip() for line in value.split(b"\n")[1:]):
            yield "FIELD_BLANK_FOLD"
        if high and not (value.isascii() and name.isascii()):
            yield "FIELD_8BIT"
            if name.lower() in (b"subject", b"from"):
                yield f"{name.decode().upper()}_8BIT"
        if control and _CONTROL.search(value):
            yield "FIELD_CONTROL"
        if nul and b"\0" in value:
            yield "FIELD_NUL"
        for match in _ENCODED_WORD.finditer(value) if words and b"=?" in value else ():
            charset = match.group(1).partition(b"*")[0].decode("latin-1")
            if match.group(2) not in (b"q", b"Q", b"b", b"B") or not is_charset(charset):
                yield "ENCODED_WORD_BROKEN"
    if message.header_block.ended_early:
        yield "HEADER_ENDED_EARLY"
    subjects = message.fields("subject")
    if subjects and b"=?" in subjects[0].value and message.subject.isascii() and "=?" not in message.subject:
        yield "SUBJECT_NEEDLESSLY_ENCODED"
