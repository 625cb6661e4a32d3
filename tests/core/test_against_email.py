"""For well-formed mail the view agrees with the standard library's parser (email, policy compat32)."""

import base64
import email
import quopri
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message as EmailMessage
from email.utils import collapse_rfc2231_value
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.message import Message

_WORDS = st.text("abcdefghij xyz.,éüß测试\U0001f600", min_size=1, max_size=30)
_NAMES = st.text("abc def_-.éü测", min_size=1, max_size=20).map(str.strip).filter(bool)
_TYPES = st.sampled_from(["text/plain", "text/html", "image/png", "application/pdf", "text/x-unusual", "audio/basic"])
_BOUNDARY = st.text("abcXYZ019'()+_,-./:=?", min_size=1, max_size=40)


@dataclass(frozen=True)
class Leaf:
    """What both parsers have to say of a leaf."""

    content_type: str
    payload: bytes
    filename: str


@st.composite
def leaves(draw: st.DrawFn) -> bytes:
    content = draw(st.one_of(st.binary(max_size=100), _WORDS.map(str.encode)))
    lines = [b"Content-Type: " + draw(_TYPES).encode()]
    if draw(st.booleans()):
        lines[0] += draw(st.sampled_from([b"; charset=utf-8", b';\n\tcharset="UTF-8"', b"; format=flowed"]))
    encoding = draw(st.sampled_from(["base64", "quoted-printable"]))
    lines.append(b"Content-Transfer-Encoding: " + encoding.encode())
    name = draw(st.one_of(st.none(), _NAMES))
    if name is not None:
        where = draw(st.sampled_from([b"Content-Disposition: attachment; ", b"Content-Disposition: inline;\n "]))
        lines.append(where + _filename(draw, name))
    body = base64.encodebytes(content) if encoding == "base64" else _quoted_printable(content)
    return b"\n".join(lines) + b"\n\n" + body


def _quoted_printable(content: bytes) -> bytes:
    """A bare CR is not well-formed, and the library leaves it as it is."""
    return quopri.encodestring(content).replace(b"\r", b"=0D")


def _filename(draw: st.DrawFn, name: str) -> bytes:
    if name.isascii() and draw(st.booleans()):
        return b'filename="' + name.encode() + b'"'
    quoted = "".join(f"%{octet:02X}" for octet in name.encode())
    if draw(st.booleans()):
        return b"filename*=utf-8''" + quoted.encode()
    half = 3 * draw(st.integers(0, len(quoted) // 3))
    return f"filename*0*=utf-8''{quoted[:half]};\n filename*1*={quoted[half:]}".encode()


@st.composite
def multiparts(draw: st.DrawFn, children: st.SearchStrategy[bytes]) -> bytes:
    parts = draw(st.lists(children, min_size=1, max_size=4))
    boundary = draw(_BOUNDARY)
    joined = b"\n".join(parts)
    while f"--{boundary}".encode() in joined:
        boundary += "x"
    kind = draw(st.sampled_from(["mixed", "alternative", "related"]))
    delimiter = b"--" + boundary.encode()
    preamble = draw(st.sampled_from([b"", b"preamble\n", b"\n"]))
    body = b"".join(delimiter + b"\n" + part + b"\n" for part in parts)
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'.encode()
    return head + preamble + body + delimiter + b"--\n" + draw(st.sampled_from([b"", b"epilogue\n"]))


@st.composite
def enclosed(draw: st.DrawFn, children: st.SearchStrategy[bytes]) -> bytes:
    return b"Content-Type: message/rfc822\n\nSubject: inner\nMIME-Version: 1.0\n" + draw(children)


structures = st.recursive(leaves(), lambda inner: st.one_of(multiparts(inner), enclosed(inner)), max_leaves=12)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(structures, st.sampled_from([b"\n", b"\r\n"]))
def test_leaves_agree(structure: bytes, line_end: bytes) -> None:
    raw = (b"From: ann@example.net\nSubject: x\nMIME-Version: 1.0\n" + structure).replace(b"\n", line_end)
    message = Message(raw)
    ours = [Leaf(part.content_type, part.payload, part.filename) for part in message.parts]
    theirs = [_leaf(part) for part in email.message_from_bytes(message.raw).walk() if not part.is_multipart()]
    assert ours == theirs
    assert not message.tree.missing_boundaries
    assert not message.tree.unclosed
    assert not message.capped


def _leaf(part: "EmailMessage[Any, Any]") -> Leaf:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    found = part.get_param("filename", header="content-disposition", failobj="")
    return Leaf(part.get_content_type(), payload, collapse_rfc2231_value(found))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["utf-8", "iso-8859-1", "gb18030"]), _WORDS), min_size=1, max_size=4))
def test_encoded_words_agree(words: list[tuple[str, str]]) -> None:
    """Words that the standard library encodes are read alike by both."""
    from email.header import Header

    header = Header()
    for charset, text in words:
        header.append(text.encode(charset, "replace").decode(charset).strip() or "x", charset)
    line = header.encode(linesep="\n")
    theirs = str(make_header(decode_header(line.replace("\n", ""))))
    assert Message(f"Subject: {line}\n\n".encode()).subject == theirs.strip()
