"""The true type of a file, by its content. A short table of our own: what mail brings, and what matters here.

puremagic was measured: 0.4 ms a file for more kinds than anybody asks for here; this takes some microseconds.
"""

import enum
import re
from typing import Final

from tamis.attachments.names import RUNNING, ending, words


class Kind(enum.StrEnum):
    PE = "pe"
    DOS = "dos"
    ELF = "elf"
    MACH_O = "mach-o"
    JAVA = "java"
    DEX = "dex"
    MSI = "msi"
    LNK = "lnk"
    CHM = "chm"
    SCRIPT = "script"
    HTA = "hta"
    UNIX_SCRIPT = "unix script"
    """Begins with what is to run it; no mail program does, and developers send them to each other."""
    DISK = "disk image"
    ONENOTE = "onenote"
    OLE = "ole"
    OLE_MACROS = "ole with macros"
    OOXML = "ooxml"
    OOXML_MACROS = "ooxml with macros"
    OPEN_DOCUMENT = "opendocument"
    RTF = "rtf"
    PDF = "pdf"
    ZIP = "zip"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    TAR = "tar"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    CAB = "cab"
    LHA = "lha"
    ARCHIVE = "archive"
    """One that is known and not opened: ARJ, ACE, zstandard, compress."""
    IMAGE = "image"
    MEDIA = "media"
    HTML = "html"
    TEXT = "text"
    DATA = "data"
    """Anything else."""
    EMPTY = "empty"
    UNREAD = "unread"
    """Its content could not be had: encrypted, or behind a cap."""


EXECUTABLES: Final = frozenset(
    {Kind.PE, Kind.DOS, Kind.ELF, Kind.MACH_O, Kind.JAVA, Kind.DEX, Kind.MSI, Kind.LNK, Kind.CHM, Kind.SCRIPT, Kind.HTA}
) | {Kind.DISK}
"""What runs, installs, mounts or is followed when it is opened."""

SKETCHED: Final = EXECUTABLES | {
    Kind.UNIX_SCRIPT,
    Kind.OLE_MACROS,
    Kind.OOXML_MACROS,
    Kind.ONENOTE,
    Kind.RTF,
    Kind.PDF,
    Kind.HTML,
}
"""What row 25 makes sketches of."""

OPENED: Final = frozenset({Kind.ZIP, Kind.GZIP, Kind.BZIP2, Kind.XZ, Kind.TAR})
"""Archives that are opened here."""
OPENED_BY_HELPER: Final = frozenset({Kind.SEVEN_ZIP, Kind.RAR, Kind.CAB, Kind.LHA, Kind.DISK})
ARCHIVES: Final = OPENED | OPENED_BY_HELPER | {Kind.ARCHIVE}

_LEAST_TAR: Final = 512
_DISK_AT: Final = 0x8001
_MACH_O: Final = tuple(
    bytes.fromhex(magic) for magic in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "bebafeca", "cafebabf")
)
_MAGIC: Final = (
    (b"%PDF-", Kind.PDF),
    (b"\x7fELF", Kind.ELF),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"\x1f\x8b\x08", Kind.GZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\0", Kind.XZ),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"MSCF\0\0\0\0", Kind.CAB),
    (b"\x60\xea", Kind.ARCHIVE),
    (b"\x1f\x9d", Kind.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", Kind.ARCHIVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OLE),
    (b"\x4c\0\0\0\x01\x14\x02\0", Kind.LNK),
    (b"ITSF", Kind.CHM),
    (b"dex\n03", Kind.DEX),
    (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), Kind.ONENOTE),
    (b"{\\rt", Kind.RTF),
    (b"\x89PNG\r\n", Kind.IMAGE),
    (b"\xff\xd8\xff", Kind.IMAGE),
    (b"GIF8", Kind.IMAGE),
    (b"BM", Kind.IMAGE),
    (b"II*\0", Kind.IMAGE),
    (b"MM\0*", Kind.IMAGE),
    (b"vhdxfile", Kind.DISK),
    (b"conectix", Kind.DISK),
    (b"MSWIM\0", Kind.DISK),
    (b"ID3", Kind.MEDIA),
    (b"OggS", Kind.MEDIA),
    (b"fLaC", Kind.MEDIA),
    (b"RIFF", Kind.MEDIA),
    (b"REGEDIT4", Kind.SCRIPT),
    (b"Windows Registry Editor", Kind.SCRIPT),
    (b"[InternetShortcut]", Kind.SCRIPT),
)
_BY_OCTET: Final = {
    first: tuple((magic, kind) for magic, kind in _MAGIC if magic.startswith(first))
    for first in {magic[:1] for magic, _ in _MAGIC}
}
"""The same by the first octet."""
_MSI_CLASSES: Final = tuple(bytes.fromhex(f"{n}100c0000000000c000000000000046") for n in ("84", "86", "82"))
_MARKUP: Final = re.compile(rb"\s*(?:<!doctype\s+html|<html|<head|<body|<script|<svg|<hta:)", re.I)
_HTA: Final = re.compile(rb"<hta:application", re.I)
_CONTROLS: Final = bytes({*range(32)} - set(b"\t\n\r\f\x1b"))
_SCRIPTS: Final = words("bat cmd js jse ps1 psd1 psm1 reg sct vb vbe vbs wsc wsf wsh inf scf url")


def kind_of(data: bytes, name: str = "") -> Kind:
    """Return what a file is by its content; the name only tells scripts from other text."""
    if not data:
        return Kind.EMPTY
    start = data[:64].removeprefix(b"\xef\xbb\xbf")
    if start[:2] == b"MZ":
        at = int.from_bytes(data[60:64], "little")
        return Kind.PE if data[at : at + 4] == b"PE\0\0" else Kind.DOS if len(data) >= 64 else Kind.DATA
    if start[:4] in _MACH_O:
        return Kind.MACH_O
    if start[:4] == b"\xca\xfe\xba\xbe":  # A universal binary counts its architectures there, a class its version.
        return Kind.MACH_O if int.from_bytes(start[4:8], "big") < 40 else Kind.JAVA
    found = next((kind for magic, kind in _BY_OCTET.get(start[:1], ()) if start.startswith(magic)), None)
    if found is Kind.OLE:
        return _ole(data)
    if found is Kind.MEDIA and data[8:12] == b"WEBP":
        return Kind.IMAGE
    if found is Kind.IMAGE and start[:2] == b"BM" and data[6:10] != b"\0\0\0\0":
        found = None
    if found is not None:
        return found
    if start[:2] == b"#!":
        return Kind.UNIX_SCRIPT
    if start[2:7] in (b"-lh5-", b"-lh6-", b"-lh7-", b"-lh0-"):
        return Kind.LHA
    if data[4:8] == b"ftyp":
        return Kind.MEDIA
    if data[257:262] == b"ustar" and len(data) >= _LEAST_TAR:
        return Kind.TAR
    if data[_DISK_AT : _DISK_AT + 5] == b"CD001" or data[-512:-504] == b"conectix":
        return Kind.DISK
    return _text(data, name)


def _ole(data: bytes) -> Kind:
    """Tell an installer, and a document with macros, from other files of that structure ([MS-CFB], section 2)."""
    size = 1 << min(int.from_bytes(data[30:32], "little"), 16)
    root = (int.from_bytes(data[48:52], "little") + 1) * size
    if data[root + 80 : root + 96] in _MSI_CLASSES:
        return Kind.MSI
    return Kind.OLE_MACROS if "_VBA_PROJECT".encode("utf-16-le") in data else Kind.OLE


def _text(data: bytes, name: str) -> Kind:
    sample = data[:4096]
    last = ending(name)
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        sample = sample.replace(b"\0", b"")
    if len(sample.translate(None, _CONTROLS)) < len(sample):
        return Kind.DATA
    if last == "hta" or _HTA.search(data[:65536]):
        return Kind.HTA
    if last in _SCRIPTS:
        return Kind.SCRIPT
    return Kind.HTML if _MARKUP.match(sample) else Kind.TEXT


_EXPECTED: Final = {
    ending: kind
    for kind, endings in (
        (Kind.PDF, "pdf"),
        (Kind.IMAGE, "jpg jpeg png gif bmp tif tiff webp"),
        (Kind.MEDIA, "mp3 mp4 avi mov wav ogg"),
        (Kind.TEXT, "txt csv ics vcf log"),
        (Kind.HTML, "doc docx xls xlsx ppt pptx rtf odt ods odp"),  # Office opens it, and programs export it so.
    )
    for ending in endings.split()
}
"""What a name leads one to expect, beside what harms nobody under any name."""
_ALARMING: Final = EXECUTABLES | ARCHIVES | {Kind.HTML}


def is_disguised(kind: Kind, name: str, declared: str) -> bool:
    """Whether something that runs, holds other files or shows a page says that it is a document, an image or text."""
    last = ending(name)
    expected = _EXPECTED.get(last)
    if expected is not None:
        return kind in _ALARMING and kind is not expected
    harmless = declared.startswith(("image/", "audio/", "video/", "text/plain")) or declared == "application/pdf"
    return harmless and kind in EXECUTABLES - {Kind.SCRIPT} and last not in RUNNING
