"""A form with one file, read as browsers send it, within bounds, and refused whatever else it is."""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from tamis import limits
from tamis.web import uploads

KIND = "multipart/form-data; boundary=b"
FIELD = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.eml"\r\n\r\nSubject: x\r\n--b'


def asked(pieces: Iterable[bytes], kind: str, length: bytes | None = None) -> Request:
    """Return a request whose body comes in pieces."""
    rest = iter(pieces)

    async def receive() -> Message:
        piece = next(rest, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    headers = [(b"content-type", kind.encode("latin-1")), *([(b"content-length", length)] if length else [])]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def read(body: bytes, kind: str = KIND, size: int = 65_536) -> uploads.Upload:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return asyncio.run(uploads.read_upload(asked(pieces, kind)))


def refused(body: bytes, kind: str = KIND, size: int = 65_536) -> int:
    with pytest.raises(HTTPException) as raised:
        read(body, kind, size)
    return raised.value.status_code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--",
        b"junk\r\n" + FILE + b"--\r\n",
        FILE,
        FILE + b"\r\n",
        b"--b\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n--b--',
        b"--b\r\n" + b"A: b\r\n" * 2000 + FILE[5:] + b"--",
        FILE[:-3] + FILE + b"--",
    ],
)
def test_what_is_no_form_with_one_file(body: bytes) -> None:
    for size in (1, len(body) or 1):
        assert refused(body, size=size) == 400


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain; boundary=b",
        "multipart/mixed; boundary=b",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary*=utf-8''b",
    ],
)
def test_what_is_said_to_be_no_form(kind: str) -> None:
    assert refused(FILE + b"--\r\n", kind) == 415


@pytest.mark.parametrize("boundary", ["x", "bb", "\xff", "b" * 300, '"b', "b; boundary=c", '"' * 5000, "--"])
def test_another_boundary(boundary: str) -> None:
    assert refused(FILE + b"--\r\n", f"multipart/form-data; boundary={boundary}") == 400


def test_what_nearly_ends_a_part_is_of_the_file() -> None:
    near = b"\r\n--\r\n--c\r\n-b\r\n\r\r\n--bb--\r\n--b-\r\n--B--\n--b--\r--b--"
    body = FILE.replace(b"Subject: x", near) + b"--\r\nand what follows the end"
    for size in (1, 3, len(body)):
        assert read(body, size=size).file == near


def test_many_fields_are_too_much() -> None:
    few = FIELD * limits.UPLOAD_FIELDS
    assert read(few + FILE + b"--").all("x") == ["y"] * limits.UPLOAD_FIELDS
    for body in (few + FIELD + FILE + b"--", FIELD * 1000 + FILE + b"--", FIELD * 100_000):
        assert refused(body) == 413
    assert refused(b"--b\r\n\r\n\r\n" * 100_000) == 400


def test_a_large_field_is_too_much() -> None:
    field = FIELD.replace(b"y", b"y" * limits.FORM_BYTES)
    assert len(read(field + FILE + b"--").one("x")) == limits.FORM_BYTES
    assert refused(field.replace(b"yy", b"yyy", 1) + FILE + b"--") == 413


@pytest.mark.parametrize("said", [None, b"10", b"1" * 5000, b"-1", b"x"])
def test_no_more_is_read_than_a_file_may_have(monkeypatch: pytest.MonkeyPatch, said: bytes | None) -> None:
    """A file, a field and what follows the end, without an end of their own, with or without a length that is true."""
    monkeypatch.setattr(limits, "UPLOAD_BYTES", 100_000)
    most = limits.UPLOAD_BYTES + limits.FORM_BYTES
    for begin in (FILE[:-5], FIELD[:-3], FILE + b"--"):
        sent = 0

        def endless(begin: bytes = begin) -> Iterator[bytes]:
            nonlocal sent
            for piece in chain([begin], repeat(bytes(1000))):
                sent += len(piece)
                yield piece

        with pytest.raises(HTTPException) as raised:
            asyncio.run(uploads.read_upload(asked(endless(), KIND, said)))
        assert (raised.value.status_code, sent <= most + 1000) == (413, True), begin


def test_a_file_of_the_largest_size_touches_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UPLOAD_BYTES", 3 * limits.MIB)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    largest = bytes(limits.UPLOAD_BYTES)
    assert read(FILE.replace(b"Subject: x", largest) + b"--").file == largest
    assert refused(FILE.replace(b"Subject: x", largest + b"x") + b"--") == 413


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (b"", ""),
        (b"../../etc/passwd", "../../etc/passwd"),
        (b"/etc/x\0.eml", "/etc/x\0.eml"),
        ("é.eml".encode(), "é.eml"),
        (b"\xff\xfe.eml", "\ufffd\ufffd.eml"),
        (b"x" * 4000, "x" * 4000),
    ],
)
def test_whatever_a_file_is_called(said: bytes, name: str) -> None:
    assert read(FILE.replace(b"a.eml", said) + b"--").file_name == name


def test_a_head_has_bounds() -> None:
    for more in (b"A: " + b"x" * 5000, b"x" * 5000, b"A: b\r\n" * 20):
        assert refused(FILE.replace(b"Content", more + b"\r\nContent", 1) + b"--") == 400


def test_what_browsers_send() -> None:
    found = read(FILE + b"--\r\n")
    assert (found.file, found.file_name, found.names()) == (b"Subject: x", "a.eml", set())
