"""Nothing a stranger sends raises past the message view, or takes long (hypothesis)."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.addresses import normalise_address, parse_mailboxes
from tamis.charset import decode_bytes, decode_encoded_words
from tamis.filters.malformed_headers import anomalies
from tamis.message import Message
from tamis.mime import Part, Tree
from tamis.networks import parse_received
from tamis.scripts import written_text

pytestmark = pytest.mark.slow

_SECONDS = 1.0

WELL_FORMED = b"""\
Received: from mail.example.net (mail.example.net [192.0.2.7])
\tby mx.example.org (Postfix) with ESMTP id 12345 for <bob@example.org>;
\tMon, 1 Jan 2024 10:00:00 +0100 (CET)
From: "Ann, of example" <ann@example.net>
To: Bob <bob@example.org>, undisclosed: carol@example.org;
Subject: =?utf-8?q?caf=C3=A9?= =?utf-8?b?Y2Fmw6k=?=
Date: Mon, 1 Jan 2024 10:00:00 +0100
Message-ID: <1@example.net>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="=_outer"

preamble
--=_outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: quoted-printable

caf=C3=A9 http://example.com/=
path
--inner
Content-Type: text/html; charset="iso-8859-1"
Content-Transfer-Encoding: base64

PHA+Y2Fm6TxhIGhyZWY9Imh0dHA6Ly9leGFtcGxlLmNvbS8iPng8L2E+PC9wPg==
--inner--
--=_outer
Content-Type: message/rfc822

Subject: enclosed
Content-Type: text/plain; charset=gb2312

\xb2\xe2\xca\xd4
--=_outer
Content-Type: application/octet-stream; name*0*=utf-8''caf%C3; name*1*=%A9
Content-Disposition: attachment; filename="a.bin"
Content-Transfer-Encoding: base64

AAECAw==
--=_outer--
epilogue
"""

_TOKENS = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b'"', b"\\", b"=", b"=?", b"?=", b"?q?", b"?b?", b"--",
    b"--=_outer", b"--inner", b"--=_outer--", b"boundary=", b"charset=utf-7", b"charset=utf-16", b"charset=", b"*0*=",
    b"utf-8''", b"Content-Type: multipart/digest; boundary=inner\n", b"Content-Type: message/rfc822\n\n", b"%ff",
    b"Content-Transfer-Encoding: base64\n", b"<", b">", b"&#xd800;", b"&", b"(", b")", b"@", b"[", b"+2AA-", b"\xff",
    b"\xe4\xbd\xa0", b"From ", b"Received: from ", b"http://", b"xn--", b"Date: 31 Dec 9999 23:59:59 -0000\n",
    b"Received: from x; 31 Dec 9999 23:59:59 -0000\n",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A well-formed message with pieces cut out, doubled, and replaced."""
    data = WELL_FORMED
    for _ in range(draw(st.integers(1, 12))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 60)))
        piece = draw(st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=8), st.just(data[start:end] * 2)))
        data = data[:start] + piece + data[end:]
    return data


hostile = st.one_of(st.binary(max_size=2000), st.lists(st.sampled_from(_TOKENS), max_size=300).map(b"".join), mutated())


def everything(message: Message) -> None:
    """Use every property of a message, its parts and its tree."""
    for name in dir(Message):
        if not name.startswith("_"):
            value = getattr(message, name)
            if isinstance(value, str):
                value.encode()
    assert isinstance(message.tree, Tree)
    for field in (field for part in message.parts for field in part.fields):
        field.text.encode()
    for part in message.parts:
        assert isinstance(part, Part)
        assert isinstance(part.payload, bytes)
        assert isinstance(part.is_attachment, bool)
        part.filename.encode()
        part.charset.encode()
    for field in message.headers:
        field.text.encode()
        message.header(decode_bytes(field.name))
        parse_received(field.text)
    for box in message.authors:
        box.name.encode()
        box.address.encode()
        assert isinstance(box.domain, str)
    for _, source in message.text_parts:
        source.encode()
    written_text(message)
    anomalies(message)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(hostile)
def test_no_property_raises_or_takes_long(raw: bytes) -> None:
    started = time.process_time()
    everything(Message(raw))
    everything(Message(raw.replace(b"\n", b"\r\n")))
    assert time.process_time() - started < _SECONDS


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(_TOKENS), max_size=40).map(b"".join)))
def test_no_field_raises(value: bytes) -> None:
    for box in parse_mailboxes(value):
        assert box.address == normalise_address(box.address)
        assert box.address.count("\n") == 0
        box.address.encode()
    decode_encoded_words(value).encode()
    parse_received("from " + decode_encoded_words(value))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.one_of(st.text(max_size=70), st.sampled_from(["utf-7", "utf-16", "hz", "\0", "ü"])))
def test_no_charset_raises(data: bytes, charset: str) -> None:
    decode_bytes(data, charset).encode()


@pytest.mark.slow
def test_long_hostile_input_takes_bounded_time() -> None:
    """What is cheap in small is what an attacker sends a megabyte of."""
    for token in (*_TOKENS, b'"a" ', b"a@", b"=?utf-8?q?a?= ", b";a=", b"; ", b"a ", b"(\\", b"\n\t", b"a\n"):
        block = token * (100_000 // len(token))
        for raw in (
            b"From: " + block + b"\nReceived: from a" + block + b"\nDate: " + block,
            b"Received: from x; " + block + b"x;\nSubject: " + block + b"\nContent-Type: text/html;" + block,
            b"Content-Type: multipart/mixed; boundary=inner\n\n" + block * 5,
            b"Content-Type: text/html\n\n" + block * 5,
        ):
            started = time.process_time()
            everything(Message(raw))
            assert time.process_time() - started < _SECONDS, (token, raw[:40])
