"""One file of a message: a part of it, or a member of an archive."""

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from tamis.attachments import names
from tamis.attachments.kinds import EXECUTABLES, Kind

_NOT_BY_NAME: Final = frozenset({Kind.PDF, Kind.IMAGE, Kind.MEDIA, Kind.OOXML, Kind.OPEN_DOCUMENT, Kind.EMPTY})
"""What it is stands fast, whatever it calls itself."""


@dataclass(frozen=True, slots=True)
class Macros:
    """What the macros of a document do. `autoexec` and `suspicious` are words of theirs."""

    autoexec: tuple[str, ...] = ()
    suspicious: tuple[str, ...] = ()


class File(msgspec.Struct, frozen=True):
    """A file. `digest` is its SHA-256, empty where the content could not be had.

    `text` is its content where that may have had other line ends before it was sent (RFC 2045, section 6.8), empty
    elsewhere. `data` is kept of what is sketched, for as long as the message is examined.
    """

    name: str
    declared: str
    kind: Kind
    size: int
    digest: bytes = b""
    text: bytes = b""
    inside: str = ""
    """What holds it, in words; empty for a part of the message."""
    attached: bool = True
    """False of the text of a message."""
    encrypted: bool = False
    macros: Macros | None = None
    data: bytes = b""

    @property
    def digests(self) -> tuple[bytes, ...]:
        """The SHA-256 of each form that it may have had, of which most messages are never asked."""
        if not self.text:
            return (self.digest,) if self.digest else ()
        lines = self.text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return self.digest, hashlib.sha256(lines).digest()

    @property
    def runs(self) -> bool:
        """Whether it is of a kind that runs when it is opened, by its content or by its name."""
        if self.kind in EXECUTABLES:
            return True
        last = names.ending(self.name)
        if last == "com" and self.kind in (Kind.TEXT, Kind.HTML, Kind.DATA):  # What comes from example.com.
            return False
        return last in names.RUNNING and self.kind not in _NOT_BY_NAME

    @property
    def executable_like(self) -> bool:
        """Whether it may do anything by itself: it runs, or is a document whose macros start by themselves."""
        return self.runs or bool(self.macros and self.macros.autoexec)

    @property
    def label(self) -> str:
        """How a person knows it; holds text of the wire."""
        what = f"the file {self.name!r}" if self.name else f"a part of type {self.declared or self.kind}"
        return f"{what} in {self.inside}" if self.inside else what
