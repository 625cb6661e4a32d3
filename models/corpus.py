"""Labelled mail to learn from and measure on: index files, folders, mbox files, Maildirs, single messages.

Nothing is read before it is needed, so that a corpus may be larger than memory.
"""

import mmap
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tamis import limits

_LABELS: Final = {"ham": False, "spam": True}
_INDEX_NAME: Final = "index.tsv"
_NO_MESSAGES: Final = frozenset(
    {_INDEX_NAME, "maildirfolder", "maildirsize", "subscriptions", "courierimapsubscribed", "courierimapuiddb"}
)
_SEPARATOR: Final = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]*\n")
_QUOTED_FROM: Final = re.compile(rb"^>(>*From )", re.M)


class CorpusError(ValueError):
    """The corpus cannot be read as one; the text says where and why in one line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One labelled message."""

    spam: bool
    name: str
    """The path as the index or the command line has it; in an mbox, with the number of the message."""
    read: Callable[[], bytes]
    """Returns the message, at most `limits.MESSAGE_BYTES` of it. Raises CorpusError."""


def entries_of(source: str | Path) -> list[Entry]:
    """Return the messages of an index file, of a folder with one, or of a folder with ham/ and spam/.

    An index line is ``label TAB path``, the path relative to the index or absolute. Raises CorpusError.
    """
    path = Path(source)
    if path.is_file():
        return _index(path)
    if (path / _INDEX_NAME).is_file():
        return _index(path / _INDEX_NAME)
    if (path / "ham").is_dir() or (path / "spam").is_dir():
        found = [entry for label in _LABELS if (path / label).is_dir() for entry in entries_at(path / label, label)]
        if found:
            return found
    if path.is_dir():
        raise CorpusError(f"{path}: holds neither {_INDEX_NAME} nor messages in ham/ and spam/")
    raise CorpusError(f"{path}: {'is no regular file' if path.exists() else 'no such file or folder'}")


def entries_at(source: str | Path, label: str) -> list[Entry]:
    """Return the messages of an mbox, a Maildir, a folder of files or one file, all with that label."""
    path = Path(source)
    spam = _LABELS[label]
    if path.is_dir():
        folders = [path / name for name in ("cur", "new") if (path / name).is_dir()] or [path]
        files = sorted(file for folder in folders for file in folder.rglob("*") if _is_message(file, path))
        if not files:
            raise CorpusError(f"{path}: holds no message")
        return [entry for file in files for entry in _file(file, spam)]
    if not path.is_file():
        raise CorpusError(f"{path}: {'is no regular file' if path.exists() else 'no such file or folder'}")
    return _file(path, spam)


def messages_in(data: bytes) -> Iterator[bytes]:
    """Yield the messages of the octets of an mbox, or the one that they are, at most `limits.MESSAGE_BYTES` of each."""
    separators = _SEPARATOR.finditer(data) if data.startswith(b"From ") else iter(())
    first = next(separators, None)
    if first is None:
        yield data[: limits.MESSAGE_BYTES]
        return
    start = first.end()
    for separator in separators:
        yield _unquoted(data, start, separator.start())
        start = separator.end()
    yield _unquoted(data, start, len(data))


def _unquoted(data: bytes, start: int, end: int) -> bytes:
    return _QUOTED_FROM.sub(rb"\1", data[start : min(end, start + limits.MESSAGE_BYTES)])


def _is_message(file: Path, within: Path) -> bool:
    """Whether a file is mail: not what a mail server keeps beside it, nor what is being delivered to a Maildir."""
    if file.name.startswith((".", "dovecot")) or file.name in _NO_MESSAGES or not file.is_file():
        return False
    folder = file.parent
    return not (folder.name == "tmp" and folder != within and (folder.parent / "cur").is_dir())


def _index(index: Path) -> list[Entry]:
    found = []
    folder = str(index.parent)
    try:
        lines = index.read_bytes().splitlines()
    except OSError as error:
        raise CorpusError(f"{index}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        label, tab, rest = line.decode("utf-8", "surrogateescape").partition("\t")
        name = rest.split("\t")[0]
        if not tab or label not in _LABELS or not name:
            raise CorpusError(f"{index}:{number}: expected ham or spam, a tab and a path")
        found.append(Entry(_LABELS[label], name, _Reader(folder, name)))
    if not found:
        raise CorpusError(f"{index}: holds no message")
    return found


def _file(file: Path, spam: bool) -> list[Entry]:
    """Return the one message of a file, or all of them where it is an mbox with several, of any size."""
    name = str(file)
    try:
        with file.open("rb") as opened:
            if not opened.read(5).startswith(b"From "):
                return [Entry(spam, name, _Reader("", name))]
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
                separators = [separator.span() for separator in _SEPARATOR.finditer(data)]
                size = len(data)
    except OSError as error:
        raise CorpusError(f"{file}: {error.strerror}") from None
    if len(separators) <= 1:
        return [Entry(spam, name, _Reader("", name))]
    starts = [start for _, start in separators]
    ends = [*(end for end, _ in separators[1:]), size]
    return [
        Entry(spam, f"{file}:{number}", _Reader("", name, start, end))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    ]


class _Reader:
    """Reads one message; small, since there may be millions of them."""

    __slots__ = ("_end", "_folder", "_name", "_start")

    def __init__(self, folder: str, name: str, start: int = 0, end: int = 0) -> None:
        """A file's name in a folder; of an mbox where the message begins and ends."""
        self._folder, self._name, self._start, self._end = folder, name, start, end

    def __call__(self) -> bytes:
        file = os.path.join(self._folder, self._name)
        size = min(self._end - self._start, limits.MESSAGE_BYTES) if self._end else limits.MESSAGE_BYTES
        try:
            with open(file, "rb") as opened:
                opened.seek(self._start)
                data = opened.read(size)
        except (OSError, ValueError) as error:
            raise CorpusError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
        return _QUOTED_FROM.sub(rb"\1", data) if self._end else data


def batches(entries: list[Entry], size: int) -> Iterator[list[Entry]]:
    """Yield the entries `size` at a time."""
    for start in range(0, len(entries), size):
        yield entries[start : start + size]
