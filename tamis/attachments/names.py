"""What a file's name says, and what it hides: the kinds that run when opened, and tricks that make them look harmless.

A mail program shows the name, and the recipient's system goes by its last ending (RFC 2183, section 2.3).
"""

import re
from typing import Final


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


RUNNING: Final = words(
    "apk app application appref-ms appx appxbundle bat chm cmd com command cpl deb dll dmg exe gadget hta img inf ins "
    "iso isp jar jnlp js jse lnk mde msc msh msi msix msp mst ocx pif pkg ps1 psc1 psd1 psm1 reg rpm run scf scr sct "
    "settingcontent-ms shb sys url vb vbe vbs vhd vhdx wim wsc wsf wsh xbap xll"
)
"""Endings of what a system runs, installs, mounts or follows when it is opened."""

HARMLESS: Final = words(
    "pdf doc docx rtf odt xls xlsx csv ods ppt pptx odp txt jpg jpeg png gif bmp tif tiff webp svg mp3 mp4 avi mov "
    "htm html eml msg ics vcf xml log zip"
)
"""Endings that people expect, and open."""

_OVERRIDES: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LEFT_TO_RIGHT: Final = "\u202e"
_PADDING: Final = re.compile(r"[\s\u00a0\u2000-\u200d\u2800\u3000\u3164_]{8,}\.\w{1,12}[\s.]*$")
_ENDING: Final = re.compile(r"\.([\w-]{1,20})$")


def ending(name: str) -> str:
    """Return the last ending of a file name in lower case, without the dot; empty where there is none.

    White space and dots behind it do not count: Windows drops them. Nor does what only changes the direction of text.
    """
    if "." not in name:
        return ""
    found = _ENDING.search(_OVERRIDES.sub("", name).rstrip(" .\t\r\n\0\u00a0").lower())
    return found.group(1) if found else ""


def is_double(name: str) -> bool:
    """Whether a harmless ending stands before one that runs: ``invoice.pdf.exe``."""
    last = ending(name)
    if last not in RUNNING:
        return False
    before = _OVERRIDES.sub("", name).rstrip(" .\t\r\n\0\u00a0")[: -len(last) - 1]
    return ending(before) in HARMLESS


def is_reversed(name: str) -> bool:
    """Whether a right-to-left override turns a part of the name round: ``cod.exe`` is then shown as ``exe.doc``."""
    return _LEFT_TO_RIGHT in name


def is_padded(name: str) -> bool:
    """Whether so much white space stands before the last ending that nobody sees it."""
    return _PADDING.search(name[:300]) is not None
