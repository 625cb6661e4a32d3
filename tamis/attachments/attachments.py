"""The files of one message: every part, and what archives hold, each looked at once for all rows."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from tamis import limits
from tamis.answers import Answers
from tamis.attachments import zips
from tamis.attachments.archives import Member, members, zip_kind, zip_members
from tamis.attachments.budget import Bomb, Budget, Exhausted
from tamis.attachments.files import File, Macros
from tamis.attachments.helper import Helper, NoAnswer
from tamis.attachments.kinds import ARCHIVES, SKETCHED, Kind, kind_of
from tamis.attachments.macros import read_macros
from tamis.attachments.sketch import sketch
from tamis.attachments.unpack import Damaged
from tamis.attachments.wire import Found, Request
from tamis.message import Message
from tamis.mime import Part
from tamis.once import once

_ENCRYPTED_DOCUMENT: Final = "EncryptedPackage".encode("utf-16-le")


@dataclass(slots=True)
class Looked:
    """What was found. The sentences are for people, and hold text of the wire; each list is empty where all is well."""

    files: list[File] = field(default_factory=list)
    bombs: list[str] = field(default_factory=list)
    deep: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    macros_unread: list[str] = field(default_factory=list)


class Attachments:
    """The files of a message, looked at when they are first asked for. Never raises for what the message holds.

    Without a `helper`, macros are not read, and archives that only it opens stay closed. `deadline` is monotonic.
    """

    def __init__(
        self,
        message: Message,
        helper: Helper | None = None,
        remembered: Answers | None = None,
        deadline: float = float("inf"),
    ) -> None:
        self._message = message
        self._helper = helper
        self._remembered = remembered
        self._deadline = deadline
        self._looked = False
        self.sketches_made: dict[bytes, bytes] = {}
        """The vertices where some row has asked for them."""

    @once
    def found(self) -> Looked:
        walk = _Walk(self._helper, self._remembered, self._deadline)
        self._looked = True
        try:
            for part in self._message.parts:
                walk.part(part)
        except Exhausted as reason:
            walk.found.unread.append(str(reason))
        return walk.found

    @property
    def files(self) -> list[File]:
        return self.found.files

    @once
    def sketches(self) -> dict[bytes, bytes]:
        """The vertices of the files that row 25 goes by, by their SHA-256."""
        self.sketches_made = sketches_of(self.files)
        return self.sketches_made

    @property
    def known(self) -> list[File]:
        """The files where some row has looked at them, none where no row asked."""
        return self.found.files if self._looked else []


def look_at(data: bytes, name: str, helper: Helper | None = None) -> Looked:
    """Look at one file that is no part of a message, and at what it holds."""
    walk = _Walk(helper, None, float("inf"))
    walk.file(data, name)
    return walk.found


def sketches_of(files: Sequence[File]) -> dict[bytes, bytes]:
    """Return the vertices of files, by their SHA-256, within the caps of a message."""
    made: dict[bytes, bytes] = {}
    room = limits.SKETCHED_BYTES_IN_ALL
    for file in files:
        if not file.data or not file.digest or not file.attached or file.digest in made:
            continue
        room -= min(len(file.data), limits.SKETCHED_BYTES)
        if room < 0 or len(made) >= limits.SKETCHED_FILES:
            break
        made[file.digest] = sketch(file.data, file.kind)
    return made


class _Walk:
    """One walk through all files of a message, within one budget."""

    def __init__(self, helper: Helper | None, remembered: Answers | None, deadline: float) -> None:
        self.found = Looked()
        self._budget = Budget()
        self._remembered = remembered
        self._helper = helper
        self._deadline = min(deadline, time.monotonic() + 2 * limits.HELPER_SECONDS)

    def part(self, part: Part) -> None:
        payload = part.payload
        if not payload:
            return
        digest = hashlib.sha256(payload).digest()
        # The message keeps these octets, too.
        text = payload if part.encoding != "base64" and b"\n" in payload else b""
        said = File(
            part.filename, part.content_type, Kind.DATA, len(payload), digest, text, attached=part.is_attachment
        )
        self._look(said, payload, 0)

    def file(self, data: bytes, name: str) -> None:
        digest = hashlib.sha256(data).digest()
        try:
            self._look(File(name, "", Kind.DATA, len(data), digest), data, 0)
        except Exhausted as reason:
            self.found.unread.append(str(reason))

    def _ask(self, request: Request) -> Found:
        if self._helper is None:
            raise NoAnswer("nothing here reads it")
        return self._helper.ask(request, self._deadline)

    def _look(self, said: File, data: bytes, depth: int) -> None:
        """Find out what one file is, and look at what it holds. `said` is what is known of it before."""
        self._budget.take_file()
        kind = kind_of(data, said.name)
        entries = list(zips.entries(data)) if kind is Kind.ZIP else []
        kind = zip_kind(entries) if entries else kind
        at = len(self.found.files)
        file = replace(said, kind=kind, size=len(data))
        self.found.files.append(file)
        if kind is Kind.OLE_MACROS:
            file = replace(file, macros=self._macros(file, data))
        elif kind is Kind.OLE:
            file = replace(file, encrypted=_ENCRYPTED_DOCUMENT in data)
        elif kind is Kind.OOXML:
            file = self._document(file, entries, depth)
        elif kind in ARCHIVES or kind is Kind.OPEN_DOCUMENT:
            file = replace(file, encrypted=self._open(file, data, entries, depth))
        if file.kind in SKETCHED:
            # A part's octets are kept by the message as well.
            file = replace(file, data=self._budget.keep(data) if file.inside else data)
        self.found.files[at] = file

    def _macros(self, file: File, data: bytes) -> Macros:
        try:
            return read_macros(data, hashlib.sha256(data).digest(), self._ask, self._remembered)
        except NoAnswer as reason:
            self.found.macros_unread.append(f"the macros of {file.label} are not read: {reason}")
            return Macros()

    def _document(self, file: File, entries: list[zips.Entry], depth: int) -> File:
        """Look into an Office document: for macros, and for files that are no part of one."""
        for member in zip_members(file.kind, entries, self._budget):
            if member.data is not None and kind_of(member.data) is Kind.OLE_MACROS:
                file = replace(file, kind=Kind.OOXML_MACROS, macros=self._macros(file, member.data))
            elif not member.name.lower().endswith((".bin", ".sigs")):
                self._member(file, member, depth)
        return file

    def _open(self, file: File, data: bytes, entries: list[zips.Entry], depth: int) -> bool:
        """Look at what an archive holds; return whether any of it is encrypted."""
        if depth >= limits.ARCHIVE_DEPTH:
            self.found.deep.append(
                f"{file.label} is one archive too many within others: {limits.ARCHIVE_DEPTH} are opened"
            )
            return False
        encrypted = False
        try:
            if entries:
                inside = zip_members(file.kind, entries, self._budget)
            else:
                inside = members(file.kind, data, file.name, self._budget, self._ask)
            for member in inside:
                encrypted |= member.encrypted
                self._member(file, member, depth)
        except Bomb as reason:
            self.found.bombs.append(f"{file.label} is a bomb: {reason}")
        except (Damaged, NoAnswer) as reason:
            self.found.unread.append(f"{file.label} is not opened: {reason}")
        return encrypted

    def _member(self, file: File, member: Member, depth: int) -> None:
        if member.data:
            digest = hashlib.sha256(member.data).digest()
            said = File(member.name, "", Kind.DATA, member.size, digest, inside=file.label)
            self._look(said, member.data, depth + 1)
            return
        self._budget.take_file()
        kind = Kind.EMPTY if member.data is not None else Kind.UNREAD
        unread = File(member.name, "", kind, member.size, inside=file.label, encrypted=member.encrypted)
        if member.name:
            self.found.files.append(unread)
        if member.bomb:
            self.found.bombs.append(f"{unread.label} is a bomb: {member.why}")
        elif kind is Kind.UNREAD and not member.encrypted:
            self.found.unread.append(f"{unread.label} is not opened: {member.why}")
