"""Files for the tests, made here: archives of every kind, encrypted ones, programs, documents with macros."""

import base64
import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from itertools import pairwise

import libarchive

from tamis.message import Message

PE = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0\x4c\x01" + bytes(200)
"""The least that is a program of Windows by its structure; it runs nowhere."""
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SECTOR = 512


def text(*files: tuple[str, bytes] | tuple[str, bytes, str]) -> bytes:
    """A message with those files: name, content and perhaps the type that the message says."""
    out = b"From: ann@example.net\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee below\n"
    for name, content, *declared in files:
        words = "=?utf-8?b?" + base64.b64encode(name.encode()).decode() + "?="
        said = declared[0] if declared else "application/octet-stream"
        head = f'--b\nContent-Type: {said}\nContent-Disposition: attachment; filename="{words}"\n'
        out += f"{head}Content-Transfer-Encoding: base64\n\n".encode() + base64.encodebytes(content)
    return out + b"--b--\n"


def message(*files: tuple[str, bytes] | tuple[str, bytes, str]) -> Message:
    return Message(text(*files))


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def encrypted_zip(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file that says of each entry that it is encrypted; nobody has the key, so the octets do not matter."""
    out = bytearray(zipped(files, zipfile.ZIP_STORED))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        found = out.find(magic)
        while found >= 0:
            out[found + at] |= 1
            found = out.find(magic, found + 4)
    return bytes(out)


def tarred(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def written(form: str, files: Mapping[str, bytes]) -> bytes:
    """An archive that libarchive writes: "7zip" or "iso9660"."""
    out = bytearray()

    def take(piece: bytes) -> int:
        out.extend(piece)
        return len(piece)

    with libarchive.custom_writer(take, form) as archive:
        for name, content in files.items():
            archive.add_file_from_memory(name, len(content), content)
    return bytes(out)


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def office(files: Mapping[str, bytes]) -> bytes:
    """An Office document of today, with those parts beside the ones it needs."""
    needed = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>"}
    return zipped({**needed, **files})


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file ([MS-CFB], version 3): streams by their path, each longer than 4 KB, in folders of one level."""
    folders = list(dict.fromkeys(path.partition("/")[0] for path in streams if "/" in path))
    content, chains, entries = [], [], []
    for path, data in streams.items():
        assert len(data) >= 4096, path
        padded = data + bytes(-len(data) % SECTOR)
        chains.append(len(padded) // SECTOR)
        content.append(padded)
        entries.append((path, sum(chains[:-1]), len(data)))
    fat: list[int] = []
    for count in chains:
        fat += [*range(len(fat) + 1, len(fat) + count), 0xFFFFFFFE]
    names = ["Root Entry", *folders, *(path for path, _, _ in entries)]
    sectors = -(-len(names) * 128 // SECTOR)
    directory_at = len(fat)
    fat += [*range(len(fat) + 1, len(fat) + sectors), 0xFFFFFFFE]
    fat_sectors = 1
    while (len(fat) + fat_sectors) * 4 > fat_sectors * SECTOR:
        fat_sectors += 1
    fat_at = len(fat)
    fat += [0xFFFFFFFD] * fat_sectors
    table = b"".join(struct.pack("<I", one) for one in fat).ljust(fat_sectors * SECTOR, b"\xff")
    top = [names.index(one) for one in folders] + [names.index(path) for path in streams if "/" not in path]
    rows = [_row("Root Entry", 5, top[0] if top else -1, -1, 0xFFFFFFFE, 0)]
    inside = {one: [names.index(path) for path in streams if path.startswith(one + "/")] for one in folders}
    following = {at: after for group in (top, *inside.values()) for at, after in pairwise(group)}
    for one in folders:
        rows.append(_row(one, 1, inside[one][0], following.get(names.index(one), -1), 0, 0))
    for path, start, size in entries:
        rows.append(_row(path.rpartition("/")[2], 2, -1, following.get(names.index(path), -1), start, size))
    directory = b"".join(rows).ljust(sectors * SECTOR, b"\0")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, fat_sectors, directory_at, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += b"".join(struct.pack("<I", fat_at + one) for one in range(fat_sectors))
    return header.ljust(SECTOR, b"\xff") + b"".join(content) + directory + table


def _row(name: str, kind: int, child: int, right: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    none = 0xFFFFFFFF
    row = encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), kind, 1)
    row += struct.pack("<3I", none, right if right >= 0 else none, child if child >= 0 else none)
    return row + bytes(36) + struct.pack("<IQ", start, size)


def macros(source: str, folder: str = "VBA") -> bytes:
    """A VBA project ([MS-OVBA]) with one module of that source, as a document holds it."""
    module = b'Attribute VB_Name = "ThisDocument"\r\n' + source.encode() + b"\r\n"
    name = b"ThisDocument"
    wide = name.decode().encode("utf-16-le")
    records = [
        _record(0x01, struct.pack("<I", 3)),
        _record(0x02, struct.pack("<I", 0x409)),
        _record(0x14, struct.pack("<I", 0x409)),
        _record(0x03, struct.pack("<H", 1252)),
        _record(0x04, b"Project"),
        _record(0x05, b"") + _record(0x40, b""),
        _record(0x06, b"") + _record(0x3D, b""),
        _record(0x07, struct.pack("<I", 0)),
        _record(0x08, struct.pack("<I", 0)),
        struct.pack("<HIIH", 0x09, 4, 1, 1),
        _record(0x0C, b"") + _record(0x3C, b""),
        _record(0x0F, struct.pack("<H", 1)),
        _record(0x13, struct.pack("<H", 0xFFFF)),
        _record(0x19, name) + _record(0x47, wide),
        _record(0x1A, name) + _record(0x32, wide),
        _record(0x1C, b"") + _record(0x48, b""),
        _record(0x31, struct.pack("<I", 0)),
        _record(0x1E, struct.pack("<I", 0)),
        _record(0x2C, struct.pack("<H", 0xFFFF)),
        struct.pack("<HI", 0x22, 0) + struct.pack("<HI", 0x2B, 0) + struct.pack("<HI", 0x10, 0),
    ]
    project = b'ID="{00000000-0000-0000-0000-000000000000}"\r\nDocument=ThisDocument/&H00000000\r\n'
    return compound(
        {
            f"{folder}/dir": _chunk(b"".join(records)),
            f"{folder}/ThisDocument": _chunk(module),
            f"{folder}/_VBA_PROJECT": b"\xcc\x61\xff\xff\0\0\0".ljust(4096, b"\0"),
            "PROJECT": project.ljust(4096, b"\n"),
        }
    )


def _record(number: int, content: bytes) -> bytes:
    return struct.pack("<HI", number, len(content)) + content


def _chunk(content: bytes) -> bytes:
    """A compressed container of one chunk that is not compressed ([MS-OVBA], section 2.4.1)."""
    return b"\x01" + struct.pack("<H", 0x3FFF) + content.ljust(4096, b"\n" if content[:9] == b"Attribute" else b"\0")
