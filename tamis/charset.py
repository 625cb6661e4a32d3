"""Octets to text: charsets as declared, or guessed when missing or wrong, and encoded words (RFC 2047).

Nothing here raises.
"""

import binascii
import codecs
import functools
import re
from typing import Final

_NOT_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)
"""Codecs Python calls text encodings that are no charset of mail; idna is quadratic besides."""
_WIDER: Final = {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252", "euc_kr": "cp949"}
"""What senders mean by a declared charset: the superset their software really writes."""
_NOT_ASCII_BASED: Final = re.compile(r"(?:cp(?:037|273|424|500|875|1026|1140)|utf-32(?:-[bl]e)?)")
"""Charsets in which letters are no octets of ASCII: EBCDIC, and what few clients know."""
_ENCODED_WORD: Final = re.compile(rb"=\?([!-<>@-~]{1,60})\?([BbQq])\?([^?\s][^?]*|)\?=")
_GAP: Final = re.compile(rb"[ \t\r\n]*")
_HAN_PAIR: Final = re.compile(rb"[\xb0-\xd7][\xa1-\xfe]")
_HIGH: Final = re.compile(rb"[\x80-\xff]")


@functools.lru_cache(maxsize=512)
def _codec(name: str) -> str:
    """Return the codec for a declared charset, empty when it says nothing usable."""
    try:
        info = codecs.lookup(name.strip().strip("\"'").strip())
    except (LookupError, ValueError, UnicodeError):
        return ""
    if not getattr(info, "_is_text_encoding", False) or info.name in _NOT_CHARSETS:
        return ""
    return _WIDER.get(info.name, info.name)


def decode_bytes(data: bytes, charset: str = "") -> str:
    """Decode with the declared charset, or else UTF-8, GB18030 where it reads as Chinese, Windows-1252."""
    if data.isascii() and not charset:
        return data.decode("ascii")
    codec = _codec(charset[:60]) if charset else ""
    if codec and _NOT_ASCII_BASED.fullmatch(codec) and data.isascii() and b"\0" not in data:
        codec = ""  # Declared so that only those who believe it read nonsense.
    if codec and codec != "ascii":
        try:
            text = data.decode(codec, "replace")
            # UTF-7 can spell lone surrogates, which nothing after us could encode.
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if codec == "utf-7" else text
        except (UnicodeError, ValueError):
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_guess(data), "replace")


def _guess(data: bytes) -> str:
    """Tell raw Chinese from Western text: most high octets stand in pairs of GB 2312's first level."""
    sample = data[:4096]
    high = len(_HIGH.findall(sample))
    paired = 2 * len(_HAN_PAIR.findall(sample))
    return "gb18030" if high >= 4 and paired * 4 >= high * 3 else "cp1252"


def decode_encoded_words(value: bytes) -> str:
    """Decode RFC 2047 encoded words in a header value; what is malformed is kept as it stands."""
    if b"=?" not in value:
        return decode_bytes(value)
    out: list[str] = []
    pending, pending_charset = b"", ""
    position = 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[position : match.start()]
        charset = match.group(1).decode("ascii").partition("*")[0].lower()
        adjacent = position > 0 and _GAP.fullmatch(between) is not None
        if not adjacent or charset != pending_charset:
            out.append(decode_bytes(pending, pending_charset))
            pending = b""
        if not adjacent:
            out.append(decode_bytes(between))
        pending_charset = charset
        pending += _decode_word(match.group(2), match.group(3))
        position = match.end()
    out.append(decode_bytes(pending, pending_charset))
    out.append(decode_bytes(value[position:]))
    return "".join(out)


def _decode_word(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"Qq":
        return binascii.a2b_qp(text, header=True)
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", text)
    usable = len(letters) - (1 if len(letters) % 4 == 1 else 0)
    return binascii.a2b_base64(letters[:usable] + b"=" * (-usable % 4))


def is_charset(name: str) -> bool:
    """Whether a declared charset is one that text can be decoded with."""
    return bool(_codec(name[:60]))
