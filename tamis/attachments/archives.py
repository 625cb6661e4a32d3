"""What an archive holds, whatever its kind: opened here, or by the helper where it takes a larger library."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.attachments import tars, zips
from tamis.attachments.budget import Bomb, Budget
from tamis.attachments.kinds import OPENED_BY_HELPER, Kind
from tamis.attachments.names import ending, words
from tamis.attachments.unpack import Damaged, bunzip2, gunzip, unxz
from tamis.attachments.wire import Found, Request

Ask = Callable[[Request], Found]
"""Asks the helper; raises `tamis.attachments.helper.NoAnswer`."""

_STREAMS: Final = {Kind.GZIP: gunzip, Kind.BZIP2: bunzip2, Kind.XZ: unxz}
_SHORT: Final = {"tgz": "tar", "tbz": "tar", "tbz2": "tar", "txz": "tar", "svgz": "svg"}
_OFFICE: Final = ("word/", "xl/", "ppt/", "visio/")
_OFFICE_PARTS: Final = words(
    "xml rels vml png jpg jpeg gif emf wmf tif tiff svg wdp thmx odttf fntdata psmdcp wav mp3 mp4 ico bmp xhtml"
)
"""What belongs to a document and is no file of its own."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member. `data` is None where the content could not be had: `why` says it."""

    name: str
    size: int
    data: bytes | None = None
    encrypted: bool = False
    why: str = ""
    bomb: bool = False


def zip_kind(entries: Sequence[zips.Entry]) -> Kind:
    """Tell documents and programs that are ZIP files from others, by what is in them."""
    names = {entry.name for entry in entries}
    if "[Content_Types].xml" in names and any(name.startswith(_OFFICE) for name in names):
        return Kind.OOXML
    if "classes.dex" in names and "AndroidManifest.xml" in names:
        return Kind.DEX
    if "META-INF/MANIFEST.MF" in names and any(name.endswith(".class") for name in names):
        return Kind.JAVA
    if entries and entries[0].name == "mimetype" and bytes(entries[0].packed[:39]).startswith(
        (b"application/vnd.oasis.opendocument", b"application/epub+zip")
    ):  # fmt: skip
        return Kind.OPEN_DOCUMENT
    return Kind.ZIP


def members(kind: Kind, data: bytes, name: str, budget: Budget, ask: Ask | None) -> Iterator[Member]:
    """Yield what an archive holds. Raises `Exhausted`, `Bomb`, `Damaged`, and what `ask` raises."""
    if kind in _STREAMS:
        unpacked = _STREAMS[kind](data, budget)
        yield Member(_inner(name), len(unpacked), unpacked)
    elif kind is Kind.TAR:
        for entry in tars.entries(data):
            yield Member(entry.name, len(entry.content), entry.content)
    elif kind in OPENED_BY_HELPER and ask is not None:
        yield from _by_helper(data, budget, ask)
    else:
        raise Damaged("it is of a kind that is not opened")


def zip_members(kind: Kind, entries: Sequence[zips.Entry], budget: Budget) -> Iterator[Member]:
    """Yield what a ZIP file holds; of a document, what may be a file of its own. Raises `Exhausted`."""
    for entry in entries:
        if kind in (Kind.OOXML, Kind.OPEN_DOCUMENT) and (ending(entry.name) or "xml") in _OFFICE_PARTS:
            continue
        if entry.encrypted:
            yield Member(entry.name, entry.size, encrypted=True, why="it is encrypted")
            continue
        try:
            content = entry.read(budget)
        except (Damaged, Bomb) as error:
            yield Member(entry.name, entry.size, why=str(error), bomb=isinstance(error, Bomb))
        else:
            yield Member(entry.name, len(content), content)


def _by_helper(data: bytes, budget: Budget, ask: Ask) -> Iterator[Member]:
    found = ask(Request("archive", data, max(0, budget.bytes_left), budget.files_left + 1))
    for member in found.members:
        if member.read:
            budget.take(len(member.data))
            yield Member(member.name, len(member.data), member.data)
        else:
            bomb = member.size > max(limits.MIB, limits.ARCHIVE_RATIO * len(data))
            why = (
                f"it expands to more than {limits.ARCHIVE_RATIO} times its size" if bomb else "its content was not had"
            )
            yield Member(member.name, member.size, None, member.encrypted, why, bomb)
    if found.encrypted and not found.members:
        yield Member("", 0, encrypted=True, why="it is encrypted")
    elif found.error:
        raise Damaged(found.error)


def _inner(name: str) -> str:
    """Return the name of what a packed file holds: ``a.tar.gz`` holds ``a.tar``, as ``a.tgz`` does."""
    last = ending(name)
    if not last or last not in ("gz", "bz2", "xz", "lzma", "z", *_SHORT):
        return name
    stem = name.rstrip()[: -len(last) - 1]
    return f"{stem}.{_SHORT[last]}" if last in _SHORT else stem
