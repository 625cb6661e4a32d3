"""The true type of a file, and where it differs from what is said."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.attachments.kinds import Kind, is_disguised, kind_of
from tests.attachments import making

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def msi() -> bytes:
    found = bytearray(making.compound({"x": bytes(5000)}))
    root = (int.from_bytes(found[48:52], "little") + 1) * 512
    found[root + 80 : root + 96] = bytes.fromhex("84100c0000000000c000000000000046")
    return bytes(found)


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"", "a.exe", Kind.EMPTY),
        (making.PE, "a.pdf", Kind.PE),
        (b"MZ" + bytes(100), "", Kind.DOS),
        (b"MZ are two letters", "", Kind.DATA),
        (Path("/bin/true").read_bytes(), "", Kind.ELF),
        (bytes.fromhex("cffaedfe") + bytes(60), "", Kind.MACH_O),
        (b"\xca\xfe\xba\xbe\0\0\0\2", "", Kind.MACH_O),
        (b"\xca\xfe\xba\xbe\0\0\0\x41", "", Kind.JAVA),
        (msi(), "", Kind.MSI),
        (making.compound({"x": bytes(5000)}), "", Kind.OLE),
        (making.macros("Sub A()\r\nEnd Sub"), "", Kind.OLE_MACROS),
        (b"\x4c\0\0\0\x01\x14\x02\0" + bytes(60), "", Kind.LNK),
        (b"#!/bin/sh\n", "", Kind.UNIX_SCRIPT),
        (b"var a = 1;", "a.js", Kind.SCRIPT),
        (b"\xff\xfev\0a\0r\0", "a.js", Kind.SCRIPT),
        (b"var a = 1;", "a.txt", Kind.TEXT),
        (b"<html><script>x</script>", "a.hta", Kind.HTA),
        (b"\n <!DOCTYPE html><title>x", "", Kind.HTML),
        (bytes(0x8001) + b"CD001" + bytes(100), "", Kind.DISK),
        (making.PDF, "", Kind.PDF),
        (making.PNG, "", Kind.IMAGE),
        (b"RIFF\0\0\0\0WEBPVP8 ", "", Kind.IMAGE),
        (b"BMW is not a bitmap", "", Kind.TEXT),
        (gzip.compress(b"x", mtime=0), "", Kind.GZIP),
        (making.tarred({"a": b"x"}), "", Kind.TAR),
        (making.zipped({"a": b"x"}), "", Kind.ZIP),
        (b"Rar!\x1a\x07\x01\0", "", Kind.RAR),
        (b"{\\rtf1 x}", "", Kind.RTF),
        (bytes(range(256)), "", Kind.DATA),
        (b"hello\n", "", Kind.TEXT),
    ],
)
def test_kind(content: bytes, name: str, kind: Kind) -> None:
    assert kind_of(content, name) is kind


@given(st.binary(max_size=600), st.text(max_size=20), st.sampled_from([b"", OLE, b"MZ", b"PK\x03\x04", b"BM"]))
def test_nothing_raises(content: bytes, name: str, start: bytes) -> None:
    kind_of(start + content, name)


@pytest.mark.parametrize(
    ("kind", "name", "declared", "found"),
    [
        (Kind.PE, "a.pdf", "application/pdf", True),
        (Kind.PE, "a.exe", "application/pdf", False),  # Odd, but nothing is hidden from who opens it.
        (Kind.PE, "a", "image/png", True),
        (Kind.ZIP, "a.jpg", "image/jpeg", True),
        (Kind.HTML, "a.pdf", "", True),
        (Kind.HTML, "a.xls", "", False),
        (Kind.PE, "a.doc", "", True),
        (Kind.IMAGE, "a.jpg", "image/png", False),
        (Kind.TEXT, "a.pdf", "", False),
        (Kind.SCRIPT, "a", "text/plain", False),
        (Kind.PE, "a.exe", "application/octet-stream", False),
    ],
)
def test_disguise(kind: Kind, name: str, declared: str, found: bool) -> None:
    assert is_disguised(kind, name, declared) is found
