"""Octets to text."""

import time

import pytest

from tamis.charset import decode_bytes, is_charset


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("utf-8", True),
        ('"UTF-8"', True),
        ("us-ascii", True),
        ("ASCII", True),
        ("ANSI_X3.4-1968", True),
        ("gb2312", True),
        ("windows-1251", True),
        ("", False),
        ("x-unknown", False),
        ("rot13", False),
        ("base64", False),
        ("idna", False),
        ("punycode", False),
        ("unicode_escape", False),
        ("undefined", False),
        ("utf-8\0", False),
        ("u" * 10_000, False),
    ],
)
def test_what_is_a_charset(name: str, known: bool) -> None:
    assert is_charset(name) is known


def test_the_superset_is_meant() -> None:
    assert decode_bytes(b"\x93quoted\x94", "iso-8859-1") == "“quoted”"
    assert decode_bytes("镕".encode("gbk"), "gb2312") == "镕"


def test_guessing() -> None:
    assert decode_bytes("été".encode()) == "été"
    assert decode_bytes("été".encode("cp1252")) == "été"
    assert decode_bytes("你好世界".encode("gb18030")) == "你好世界"
    assert decode_bytes(b"\xb0\xa1") == "°¡"


@pytest.mark.parametrize("charset", ["utf-8", "utf-7", "utf-16", "hz", "iso2022_jp", "gb18030", "big5", "cp1251", ""])
def test_a_megabyte_is_read_at_once(charset: str) -> None:
    for octets in (bytes(range(256)) * 4096, b"~{+2AA-\x1b$B" * 100_000):
        started = time.process_time()
        decode_bytes(octets, charset)
        assert time.process_time() - started < 1
