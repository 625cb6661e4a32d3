"""Splitting a message into header fields and MIME leaves, without ever raising (RFC 5322, RFC 2045, RFC 2046).

Everything here works on LF line ends and on slices of one bytes object; `tamis.message` is what
the rest of Tamis uses. Where a message is broken the choice is Postfix's, because that is what a
mail client is then shown: the first line that is not a header field ends the header.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from tamis import limits
from tamis.charset import decode_bytes, decode_encoded_words
from tamis.header_split import split

_PARAMETER: Final = re.compile(rb';\s*([^\s=;"]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)("?)|([^;]*))', re.S)
_CONTROLS: Final = bytes({*range(32), 127} - set(b"\t\n\r\f\x1b"))
_COMMENT: Final = re.compile(rb"\([^()]*\)")
_TOKEN: Final = re.compile(rb"[^\s\";,]+")
_NOT_BASE64: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


@dataclass(slots=True)
class Field:
    """One header field, octets as they came: `value` keeps folding and leading space, not the last LF.

    Nobody changes it; only it is not frozen, since each message makes dozens, and that doubles the time to make one.
    """

    name: bytes
    value: bytes
    _text: str | None = field(default=None, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The value unfolded, encoded words decoded (RFC 2047), trimmed and capped."""
        if self._text is None:
            flat = self.value.replace(b"\n", b"")
            plain = b"=?" not in flat and flat.isascii()
            text = flat.decode("ascii") if plain else decode_encoded_words(flat)
            self._text = text.strip()[: limits.HEADER_VALUE_CHARS]
        return self._text


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """A parsed header block and where the body starts in the bytes it came from."""

    fields: tuple[Field, ...]
    numbers: dict[bytes, list[int]]
    """Where the fields of each name stand, from the top; the names in small letters, as octets."""
    body_start: int
    ended_early: bool = False
    """A line that is no header field ended the block (no empty line before the body)."""
    capped: bool = False

    def value(self, name: bytes) -> bytes:
        """Return the first value of a field by its lower-case name, or nothing."""
        places = self.numbers.get(name)
        return self.fields[places[0]].value if places else b""


@dataclass(slots=True)
class Part:
    """A leaf of the MIME tree; `raw` is the encoded body, `depth` counts the containers around it."""

    fields: tuple[Field, ...]
    raw: bytes
    depth: int
    content_type: str
    parameters: dict[str, str]
    disposition: str
    filename: str
    encoding: str
    _payload: bytes | None = field(default=None, repr=False)

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "")

    @property
    def payload(self) -> bytes:
        """The body with its transfer encoding undone, as far as that goes (RFC 2045, section 6)."""
        if self._payload is None:
            self._payload = decode_transfer(self.raw, self.encoding)
        return self._payload

    @property
    def is_attachment(self) -> bool:
        """Named, declared an attachment, or of a kind no client shows inline as text."""
        return bool(self.filename) or self.disposition == "attachment" or not self.content_type.startswith("text/")


@dataclass(slots=True)
class Tree:
    """The leaves of a message in order, and what was odd about its structure."""

    parts: list[Part] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    """Content types of the multiparts and enclosed messages, outermost first."""
    enclosed: list[tuple[Field, ...]] = field(default_factory=list)
    """The headers of enclosed messages, in the order in which they begin."""
    missing_boundaries: int = 0
    unclosed: int = 0
    depth: int = 0
    capped: bool = False


_Branch = tuple[HeaderBlock, bytes, int, bool]
"""Header, body, depth, and whether it stands in a multipart/digest."""


def unfold(value: bytes) -> bytes:
    """Return a header value on one line (RFC 5322, section 2.2.3)."""
    return value.replace(b"\n", b"") if b"\n" in value else value


def parse_header(data: bytes) -> HeaderBlock:
    """Split the header block at the beginning of LF-terminated `data`."""
    pairs, numbers, body_start, ended_early, capped = split(data, limits.HEADER_BLOCK_BYTES, limits.HEADER_FIELDS)
    fields = tuple([Field(name, value) for name, value in pairs])
    return HeaderBlock(fields, numbers, body_start, ended_early, capped)


def parse_parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """Split ``text/plain; charset=utf-8`` into its lower-case value and parameters (RFC 2045, RFC 2231).

    Comments are dropped, and what stands after the value without a semicolon, as clients do. A boundary is not
    decoded: its octets are what clients look for.
    """
    if not value:
        return "", {}
    first, parameters = _parsed(unfold(value)[: limits.HEADER_VALUE_CHARS])
    return first, {**parameters}


@lru_cache(maxsize=256)
def _parsed(flat: bytes) -> tuple[str, Mapping[str, str]]:
    """The same of a value on one line: few are as common as ``text/plain; charset=utf-8``."""
    head, _, _ = flat.partition(b";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for match in _PARAMETER.finditer(flat, len(head)):
        key = decode_bytes(match.group(1)).lower()
        quoted = match.group(2)
        content = re.sub(rb"\\(.)", rb"\1", quoted, flags=re.S) if quoted is not None else match.group(4).strip()
        base, star, rest = key.partition("*")
        if star:
            number = rest.rstrip("*")
            index = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
            pieces.setdefault(base, {})[index] = (content, key.endswith("*"))
        elif key == "boundary":
            plain.setdefault(key, content.decode("utf-8", "surrogateescape").rstrip())
        else:
            plain.setdefault(key, decode_encoded_words(content).strip())
    for base, numbered in pieces.items():
        plain.setdefault(base, _join_rfc2231(numbered))
    words = decode_bytes(_COMMENT.sub(b" ", head) if b"(" in head else head).partition("(")[0].lower().split()
    first = words[0] if words else ""
    return first if "/" in first.strip("/") else "".join(words), plain


def _join_rfc2231(numbered: dict[int, tuple[bytes, bool]]) -> str:
    charset, joined = "", b""
    for index in sorted(numbered):
        content, extended = numbered[index]
        if extended:
            if index == min(numbered) and content.count(b"'") >= 2:
                name, _, content = content.split(b"'", 2)
                charset = decode_bytes(name)
            content = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), content)
        joined += content
    return decode_bytes(joined, charset)


def decode_transfer(raw: bytes, encoding: str) -> bytes:
    """Undo a content-transfer-encoding leniently; what is plainly not so encoded is returned as it is."""
    if encoding == "base64":
        return _decode_base64(raw)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(raw)
    return raw


def _decode_base64(raw: bytes) -> bytes:
    letters = raw.translate(None, _NOT_BASE64)
    foreign = len(raw) - len(letters) - raw.count(b"\n") - raw.count(b"=") - raw.count(b"\r")
    padding = raw.find(b"=")
    if padding >= 0 and raw[padding:].translate(None, b"=\r\n \t"):
        # Encoded piece by piece: clients go on after the padding of each.
        pieces = raw.split(b"=", limits.BASE64_PIECES)
        decoded = b"".join(_decode_letters(piece.translate(None, _NOT_BASE64)) for piece in pieces)
    else:
        decoded = _decode_letters(letters)
    # What stands between the letters has no meaning, unless it is plain text that was only declared as base64.
    if foreign * 10 > len(raw) and not _reads_as_text(decoded):
        return raw
    return decoded


def _decode_letters(letters: bytes) -> bytes:
    usable = len(letters) - (1 if len(letters) % 4 == 1 else 0)
    return binascii.a2b_base64(letters[:usable] + b"=" * (-usable % 4))


def _reads_as_text(decoded: bytes) -> bool:
    """Whether octets have as few control characters as text: one octet in nine is one where they are random."""
    sample = decoded[:4096]
    if len(sample.translate(None, _CONTROLS)) * 50 < len(sample) * 49:
        return False
    try:
        sample[:100].decode("utf-8")
    except UnicodeDecodeError as error:
        return len(sample) > 100 or error.start > 90
    return True


def parse_tree(header: HeaderBlock, body: bytes) -> Tree:
    """Walk the MIME structure of a message with that header, within the caps of `tamis.limits`."""
    tree = Tree()
    stack: list[_Branch] = [(header, body, 0, False)]
    while stack:
        if len(tree.parts) >= limits.MIME_PARTS:
            tree.capped = True
            break
        header, raw, depth, in_digest = stack.pop()
        declared, parameters = parse_parameters(header.value(b"content-type"))
        content_type = declared if "/" in declared else ("message/rfc822" if in_digest else "text/plain")
        if content_type == "message/global":  # The same with UTF-8 in its header (RFC 6532).
            content_type = "message/rfc822"
        tree.depth = max(tree.depth, depth)
        nested: list[_Branch] | None = None
        if content_type.startswith("multipart/") or content_type == "message/rfc822":
            if depth >= limits.MIME_DEPTH:
                tree.capped = True
            elif content_type == "message/rfc822":
                raw = _enclosed(header, raw)
                block = parse_header(raw)
                tree.enclosed.append(block.fields)
                nested = [(block, raw[block.body_start :], depth + 1, False)]
            else:
                nested = _split_multipart(tree, parameters.get("boundary", ""), raw, depth, content_type)
                # Clients show what they cannot part as text; hidden from the filters it would be a way past them.
                content_type = content_type if nested is not None else "text/plain"
        if nested is not None:
            tree.containers.append(content_type)
            stack.extend(reversed(nested))
            continue
        tree.parts.append(_leaf(header, raw, depth, content_type, parameters))
    return tree


def _encoding(header: HeaderBlock) -> str:
    """The transfer encoding; comments, quotes and what stands behind it are passed over, as clients do."""
    value = unfold(header.value(b"content-transfer-encoding"))[: limits.HEADER_VALUE_CHARS]
    found = _TOKEN.search(_COMMENT.sub(b" ", value) if b"(" in value else value)
    return decode_bytes(found.group()).lower() if found else ""


def _enclosed(header: HeaderBlock, raw: bytes) -> bytes:
    """Return an enclosed message, its encoding undone: none is allowed (RFC 2046, section 5.2.1), clients undo it."""
    encoding = _encoding(header)
    if encoding in ("base64", "quoted-printable"):
        return decode_transfer(raw, encoding).replace(b"\r\n", b"\n")
    return raw


def _split_multipart(tree: Tree, boundary: str, raw: bytes, depth: int, content_type: str) -> list[_Branch] | None:
    if not boundary:
        tree.missing_boundaries += 1
        return None
    room = limits.MIME_PARTS - len(tree.parts)
    children: list[_Branch] = []
    closed = False
    for chunk in _chunks(raw, b"--" + boundary.encode("utf-8", "surrogateescape")):
        if chunk is None:
            closed = True
            break
        if len(children) >= room:
            tree.capped = True
            break
        block = parse_header(chunk)
        children.append((block, chunk[block.body_start :], depth + 1, content_type == "multipart/digest"))
    if not children:
        tree.missing_boundaries += 1
        return None
    if not closed:
        tree.unclosed += 1
    return children


def _chunks(raw: bytes, delimiter: bytes) -> Iterator[bytes | None]:
    """Yield what lies between delimiter lines; None when the closing delimiter is met (RFC 2046, 5.1.1)."""
    chunk_start = -1
    position = 0 if raw.startswith(delimiter) else raw.find(b"\n" + delimiter) + 1
    if position == 0 and not raw.startswith(delimiter):
        return
    while True:
        after = position + len(delimiter)
        line_end = raw.find(b"\n", after)
        rest = raw[after : line_end if line_end >= 0 else len(raw)]
        closing = rest.startswith(b"--")
        if closing or not rest.strip(b" \t"):
            if chunk_start >= 0:
                yield raw[chunk_start : max(chunk_start, position - 1)]
            if closing:
                yield None
                return
            chunk_start = len(raw) if line_end < 0 else line_end + 1
        found = raw.find(b"\n" + delimiter, after - 1 if after else 0)
        if found < 0:
            break
        position = found + 1
    if chunk_start >= 0:
        yield raw[chunk_start:]


def _leaf(header: HeaderBlock, raw: bytes, depth: int, content_type: str, parameters: dict[str, str]) -> Part:
    disposition, disposition_parameters = parse_parameters(header.value(b"content-disposition"))
    filename = disposition_parameters.get("filename") or parameters.get("name", "")
    return Part(
        fields=header.fields,
        raw=raw,
        depth=depth,
        content_type=content_type,
        parameters=parameters,
        disposition=disposition,
        filename=filename[:255],
        encoding=_encoding(header),
    )
