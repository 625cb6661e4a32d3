"""Messages that are to wear out whoever looks at them; made when asked for, by name."""

import bz2
import gzip
import lzma
import random
import struct
import zlib
from collections.abc import Callable

from tests.attachments.making import macros, office, tarred, text, written, zipped

ZEROS = 40_000_000
HEAD = b"From: ann@example.net\nTo: bob@example.org\nSubject: x\nMIME-Version: 1.0\n"


def _overlapping_zip() -> bytes:
    """A ZIP whose 4,000 entries all unpack the same octets (Fifield, "A better zip bomb", 2019)."""
    content = b"".join(random.Random(1).randbytes(64) * 40 for _ in range(400))
    packed = zlib.compress(content, 9)[2:-4]
    crc = zlib.crc32(content)
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(packed), len(content), 1, 0) + b"a"
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, crc, len(packed), len(content), 1, 0, 0, 0, 0, 0, 0
    )
    directory = (central + b"a") * 4000
    start = len(local) + len(packed)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 4000, 4000, len(directory), start, 0)
    return local + packed + directory + end


def _nested_zip() -> bytes:
    content = zipped({"zeros.txt": bytes(1_000_000)})
    for level in range(6):
        content = zipped({f"{level}-{number}.zip": content for number in range(16 if level < 3 else 4)})
    return content


def _png() -> bytes:
    """An image of 200 megapixels in some kilobytes."""
    size = struct.pack(">2I5B", 20_000, 10_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(2501 * 10_000), 9)
    pieces = [(b"IHDR", size), (b"IDAT", rows), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in pieces
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _parts(number: int) -> bytes:
    part = b"--b\nContent-Type: application/octet-stream; name=a.exe\n\nMZ\n"
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + part * number + b"--b--\n"


def _macros() -> bytes:
    lines = "\r\n".join(f"a{number} = Chr({number % 99}) & Chr(66)" for number in range(120))
    return office({f"word/vba{number}.bin": macros(f"Sub AutoOpen()\r\n{lines}\r\nEnd Sub") for number in range(30)})


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip, 40 MB of zeros": (lambda: text(("a.zip", zipped({"b.txt": bytes(ZEROS)}))), "ARCHIVE_BOMB"),
    "zip, entries that overlap": (lambda: text(("a.zip", _overlapping_zip())), "ARCHIVE_NOT_READ"),
    "zip in zip, 6 deep, 16 wide": (lambda: text(("a.zip", _nested_zip())), "ARCHIVE_DEEP"),
    "zip, 30,000 entries": (
        lambda: text(("a.zip", zipped({f"{number}": b"" for number in range(30_000)}))),
        "ARCHIVE_NOT_READ",
    ),
    "gzip": (lambda: text(("a.gz", gzip.compress(bytes(ZEROS)))), "ARCHIVE_BOMB"),
    "gzip of gzip": (lambda: text(("a.gz", gzip.compress(gzip.compress(bytes(10 * ZEROS), 9)))), "ARCHIVE_NOT_READ"),
    "gzip, 300,000 empty members": (lambda: text(("a.gz", gzip.compress(b"") * 300_000)), "ARCHIVE_NOT_READ"),
    "bzip2": (lambda: text(("a.bz2", bz2.compress(bytes(ZEROS)))), "ARCHIVE_BOMB"),
    "bzip2 of text": (lambda: text(("a.bz2", bz2.compress(_words(24_000_000)))), "ARCHIVE_NOT_READ"),
    "xz": (lambda: text(("a.xz", lzma.compress(bytes(ZEROS)))), "ARCHIVE_BOMB"),
    "tar.gz": (lambda: text(("a.tgz", gzip.compress(tarred({"a": bytes(ZEROS)})))), "ARCHIVE_BOMB"),
    "tar, 3,000 files": (
        lambda: text(("a.tar.gz", gzip.compress(tarred({f"{number}.exe": b"MZ" for number in range(3000)})))),
        "ARCHIVE_NOT_READ",
    ),
    "7z": (lambda: text(("a.7z", written("7zip", {"a": bytes(ZEROS)}))), "ARCHIVE_BOMB"),
    "7z in 7z": (
        lambda: text(("a.7z", written("7zip", {"b.7z": written("7zip", {"a": bytes(ZEROS)})}))),
        "ARCHIVE_BOMB",
    ),
    "a document with 30 macro projects": (lambda: text(("a.docm", _macros())), "MACROS_AUTOEXEC"),
    "10,000 parts": (lambda: _parts(10_000), "SIZE_CAPPED"),
    "1,200 nested messages": (
        lambda: (HEAD + b"Content-Type: message/rfc822\n\n") * 1200 + HEAD + b"\nhello\n",
        "SIZE_CAPPED",
    ),
    "20,000 nested divs": (
        lambda: HEAD + b"Content-Type: text/html\n\n" + b"<div>" * 20_000 + b"hello" + b"</div>" * 20_000,
        "HTML_CAPPED",
    ),
    "PNG of 200 megapixels": (lambda: text(("a.png", _png(), "image/png")), "OCR_ABSTAINED"),
    "a body of 50 MB": (lambda: HEAD + b"\n" + b"all work and no play\n" * 2_500_000, "SIZE_CAPPED"),
}
"""How to make each, and the test that names the reason."""


def _words(size: int) -> bytes:
    chance = random.Random(2)
    words = [bytes(chance.choices(b"abcdefghij", k=chance.randrange(3, 9))) for _ in range(300)]
    return b" ".join(chance.choices(words, k=size // 7))
