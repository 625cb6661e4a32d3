"""Charsets and transfer encodings, and whether they were needed (RFC 2045, RFC 2047)."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("QP_ESCAPES", "escapes in a thousand octets of quoted-printable text", (1, 5, 15, 30, 60, 150)),
    Measure("OCTETS_ABOVE_127", "percent of octets above 127 in the text as it was sent", (1, 5, 20, 40)),
    Measure(
        "BODY_LINE_LONGEST", "octets of the longest line of text as it was sent", (60, 73, 77, 79, 100, 200, 500, 999)
    ),
    Measure("CHARSETS", "different charsets of the parts", (2, 3)),
)
FLAGS: Final = {
    "CHARSET_IS_ASCII": "a text in us-ascii",
    "CHARSET_IS_LATIN1": "a text in iso-8859-1 or -15",
    "CHARSET_IS_WESTERN": "a text in windows-1252",
    "CHARSET_IS_UTF8": "a text in utf-8",
    "CHARSET_IS_CYRILLIC": "a text in a Cyrillic charset",
    "CHARSET_IS_CHINESE": "a text in a Chinese charset",
    "CHARSET_IS_JAPANESE": "a text in a Japanese or Korean charset",
    "CHARSET_IS_EASTERN": "a text in a charset of eastern Europe, Turkey, Greece or the Baltic",
    "CHARSET_NONE": "a text without charset",
    "CHARSET_CAPITALS": "a charset in capitals",
    "CHARSET_NEEDLESS": "plain ASCII in another charset",
    "CHARSET_LIES": "octets above 127 in text that is declared ASCII",
    "CHARSET_NOT_OF_SUBJECT": "the Subject: is encoded in another charset than the first text",
    "ENCODING_IS_7BIT": "a text in 7bit",
    "ENCODING_IS_8BIT": "a text in 8bit or binary",
    "ENCODING_IS_QP": "a text in quoted-printable",
    "ENCODING_IS_BASE64": "a text in base64",
    "ENCODING_NONE": "a text without transfer encoding",
    "ENCODING_CAPITALS": "a transfer encoding in capitals",
    "BASE64_PLAIN_ASCII": "a text in base64 that is plain ASCII",
    "BASE64_LINE_LONG": "base64 in lines of more than 76 characters",
    "BASE64_HTML": "HTML in base64",
    "QP_SMALL_HEX": "quoted-printable with small hexadecimal letters",
    "QP_NOTHING": "quoted-printable text without any escape",
    "QP_EQUALS_ONLY": "quoted-printable text of which the only escape is that of the equals sign",
    "EIGHT_BIT_UNDECLARED": "octets above 127 in text that declares no transfer encoding, or 7bit",
    "WORD_ENCODED_SUBJECT_Q": "Subject: in encoded words of form Q",
    "WORD_ENCODED_SUBJECT_B": "Subject: in encoded words of form B",
    "WORD_ENCODED_FROM": "From: in encoded words",
    "WORD_ENCODED_TO": "To: in encoded words",
    "WORD_ENCODED_FROM_NEEDLESS": "From: in encoded words that are plain ASCII",
    "WORD_ENCODED_SMALL": "an encoded word with a small b or q",
}
_ASCII: Final = ("us-ascii", "ascii")
_KINDS: Final = (
    (("us-ascii", "ascii"), "CHARSET_IS_ASCII"),
    (("iso-8859-1", "iso-8859-15", "latin1"), "CHARSET_IS_LATIN1"),
    (("windows-1252", "cp1252"), "CHARSET_IS_WESTERN"),
    (("utf-8", "utf8"), "CHARSET_IS_UTF8"),
    (("koi8-r", "koi8-u", "windows-1251", "iso-8859-5", "cp1251"), "CHARSET_IS_CYRILLIC"),
    (("gb2312", "gbk", "gb18030", "big5", "hz-gb-2312", "chinesebig5", "gb_2312-80"), "CHARSET_IS_CHINESE"),
    (("iso-2022-jp", "shift_jis", "euc-jp", "ks_c_5601-1987", "euc-kr", "iso-2022-kr"), "CHARSET_IS_JAPANESE"),
    (
        ("iso-8859-2", "windows-1250", "iso-8859-9", "windows-1254", "iso-8859-7", "windows-1257", "iso-8859-4"),
        "CHARSET_IS_EASTERN",
    ),
)
_CHARSETS: Final = {name: flag for names, flag in _KINDS for name in names}
_ENCODINGS: Final = {
    "7bit": "ENCODING_IS_7BIT",
    "8bit": "ENCODING_IS_8BIT",
    "binary": "ENCODING_IS_8BIT",
    "quoted-printable": "ENCODING_IS_QP",
    "base64": "ENCODING_IS_BASE64",
    "": "ENCODING_NONE",
}
_ESCAPE: Final = re.compile(rb"=[0-9A-Fa-f]{2}")
_ESCAPE_HIGH: Final = re.compile(rb"=[89A-Fa-f][0-9A-Fa-f]")
_ESCAPE_OTHER: Final = re.compile(rb"=(?!3[Dd])[0-9A-Fa-f]{2}")
_SMALL: Final = re.compile(rb"=(?:[a-f][0-9a-fA-F]|[0-9A-F][a-f])")
_HIGH: Final = bytes(range(128, 256))


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    flags: set[str] = set()
    charsets: set[str] = set()
    high = octets = longest = escapes = quoted = 0
    for part in letter.parts[:10]:
        if not part.content_type.startswith("text/") or part.disposition == "attachment":
            continue
        raw, charset, encoding = part.raw[:16384], part.charset.lower(), part.encoding
        charsets.add(charset)
        flags.add(_CHARSETS.get(charset, "" if charset else "CHARSET_NONE"))
        flags.add(_ENCODINGS.get(encoding, ""))
        if part.charset != charset and part.charset.isupper():
            flags.add("CHARSET_CAPITALS")
        above = 0 if raw.isascii() else len(raw) - len(raw.translate(None, _HIGH))
        high += above
        octets += len(raw)
        longest = max(longest, max(map(len, raw.split(b"\n"))))
        ascii_text = above == 0
        if encoding == "quoted-printable":
            if "QP_ESCAPES" in letter.asked:
                escapes += len(_ESCAPE.findall(raw))
                quoted += len(raw)
            if "QP_SMALL_HEX" in letter.asked and _SMALL.search(raw):
                flags.add("QP_SMALL_HEX")
            if not _ESCAPE.search(raw):
                flags.add("QP_NOTHING")
            elif not _ESCAPE_OTHER.search(raw):
                flags.add("QP_EQUALS_ONLY")
            ascii_text = not _ESCAPE_HIGH.search(raw)
        elif encoding == "base64":
            ascii_text = part.payload[:4096].isascii()
            if ascii_text:
                flags.add("BASE64_PLAIN_ASCII")
            if part.content_type == "text/html":
                flags.add("BASE64_HTML")
            if longest > 76:
                flags.add("BASE64_LINE_LONG")
        elif above and encoding in ("", "7bit"):
            flags.add("EIGHT_BIT_UNDECLARED")
        if ascii_text and charset and charset not in _ASCII:
            flags.add("CHARSET_NEEDLESS")
        if not ascii_text and charset in _ASCII:
            flags.add("CHARSET_LIES")
    numbers["QP_ESCAPES"] = 1000 * escapes // quoted if quoted else 0
    numbers["OCTETS_ABOVE_127"] = percent(high, octets)
    numbers["BODY_LINE_LONGEST"] = longest
    numbers["CHARSETS"] = len(charsets)
    flags.discard("")
    yield from flags
    if letter.asks(_OF_WORDS):
        yield from _words(letter)


_OF_WORDS: Final = (*(flag for flag in FLAGS if flag.startswith("WORD_")), "CHARSET_NOT_OF_SUBJECT")


def _words(letter: Letter) -> Iterator[str]:
    subject = letter.field("subject")
    if "=?" in subject:
        pieces = subject.partition("=?")[2].split("?", 2)
        if len(pieces) > 1:
            if pieces[1] in ("Q", "q"):
                yield "WORD_ENCODED_SUBJECT_Q"
            elif pieces[1] in ("B", "b"):
                yield "WORD_ENCODED_SUBJECT_B"
            if pieces[1] in ("q", "b"):
                yield "WORD_ENCODED_SMALL"
            first = next((part.charset.lower() for part in letter.parts if part.charset), "")
            if first and pieces[0].lower() != first:
                yield "CHARSET_NOT_OF_SUBJECT"
    if "=?" in letter.field("from"):
        yield "WORD_ENCODED_FROM"
        if letter.author and letter.author.name.isascii():
            yield "WORD_ENCODED_FROM_NEEDLESS"
    if "=?" in letter.field("to"):
        yield "WORD_ENCODED_TO"


FAMILY: Final = Family(
    "encodings",
    "charsets, transfer encodings and encoded words",
    _look,
    MEASURES,
    FLAGS,
    kinds=("CHARSET_IS_", "ENCODING_IS_"),
    of_the_header=True,
)
