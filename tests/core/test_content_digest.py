"""The digest by which copies of a message are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.content_digest import content_digest
from tamis.message import Message

TEXT = """\
From: Ann <ann@example.net>
To: {to}
Subject: Our offer
Message-ID: <{to}.1@example.net>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain; charset=utf-8

Buy now, caf\u00e9.
--x
Content-Type: application/pdf; name=a.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQ=
--x--
"""
COPY = TEXT.format(to="you@example.org")


def digest(text: str | bytes) -> bytes:
    found = content_digest(Message(text if isinstance(text, bytes) else text.encode()))
    assert found is not None
    return found


def test_it_has_160_bits() -> None:
    assert len(digest(COPY)) == 20


ANOTHER = {
    "author": ("<ann@", "<bob@"),
    "domain of the author": ("ann@example.net", "ann@example.com"),
    "subject": ("Our offer", "Our offers"),
    "text": ("Buy now", "Buy later"),
    "attachment": ("JVBERi0xLjQ=", "JVBERi0xLjU="),
    "type of the attachment": ("application/pdf", "image/png"),
    "type of the text": ("text/plain", "text/html"),
    "type of the container": ("multipart/mixed", "multipart/related"),
    "one part less": ("--x\nContent-Type: app", "Content-Type: app"),
}


@pytest.mark.parametrize("difference", ANOTHER)
def test_another_message_has_another(difference: str) -> None:
    old, new = ANOTHER[difference]
    assert COPY.count(old) == 1
    assert digest(COPY.replace(old, new)) != digest(COPY)


SAME = {
    "recipient and id": ("you@example.org", "me@example.org"),
    "name and case of the author": ("Ann <ann@example.net>", "=?utf-8?q?A?= <Ann@Example.NET>"),
    "case and white space of the subject": ("Our offer", "  OUR\n \t offer "),
    "encoding of the subject": ("Our offer", "=?utf-8?b?T3VyIG9mZmVy?="),
    "boundary": ("boundary=x", 'boundary="x"'),
    "white space of the text": ("Buy now, ", "\n\nBuy\t now,\u00a0 "),
    "charset of the text": ("Buy now, ", "Buy now, "),
    "name of the attachment": ("a.pdf", "b.pdf"),
    "line breaks of base64": ("JVBERi0x", "JVBE\nRi0x"),
    "trace": ("From: Ann", "Received: from a.example by b.example\nDate: now\nX-Any: 1\nFrom: Ann"),
}


@pytest.mark.parametrize("difference", SAME)
def test_the_same_message_has_the_same(difference: str) -> None:
    old, new = SAME[difference]
    assert old in COPY
    assert digest(COPY.replace(old, new)) == digest(COPY)


def test_transfer_encoding_charset_and_line_ends_make_no_difference() -> None:
    declared = "charset=utf-8\n\nBuy now, caf\u00e9.".encode()
    for other in (
        b"charset=iso-8859-1\n\nBuy now, caf\xe9.",
        b"charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nBuy =\nnow, caf=C3=A9.",
        b"charset=utf-8\nContent-Transfer-Encoding: base64\n\nQnV5IG5vdywgY2Fmw6ku",
    ):
        assert digest(COPY.encode().replace(declared, other)) == digest(COPY)
    assert digest(COPY.replace("\n", "\r\n")) == digest(COPY)


def test_pieces_do_not_run_into_each_other() -> None:
    assert digest("From: a@b.example\nSubject: x y\n\nz") != digest("From: a@b.example\nSubject: x\n\ny z")
    two = "Content-Type: multipart/mixed; boundary=x\n\n--x\n\n{}\n--x\n\n{}\n--x--\n"
    assert digest(two.format("a", "b c")) != digest(two.format("a b", "c"))


def test_long_text_is_compared_to_its_end() -> None:
    long = "From: a@b.example\n\n" + "a b " * (limits.HTML_BYTES // 2)
    assert digest(long + "x") != digest(long + "y")
    markup = "From: a@b.example\nContent-Type: text/html\n\n" + "<p>a</p>" * (limits.HTML_BYTES // 8)
    assert digest(markup + "x") != digest(markup + "y")


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_it_never_raises(raw: bytes) -> None:
    for message in (raw, b"From: " + raw, b"Content-Type: text/plain; charset=utf-7\n\n+2AA-" + raw):
        found = content_digest(Message(message))
        assert found is None or len(found) == 20
