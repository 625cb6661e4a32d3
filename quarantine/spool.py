"""Raw octets of messages as they came over the wire, in files named by their content.

A message is written to a file without a name of its content first, made durable, and then given that name: at any
moment a name means the whole content. The folder may be shared between machines.
"""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final

from tamis import faults

_UNFINISHED: Final = "tmp"
_UNFINISHED_SECONDS: Final = 24 * 3600
_REMOVERS: Final = 8
"""Threads that remove contents: a tenth of the time of one, on a busy disk."""


def _durable(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Incoming:
    """The octets of one message on their way into the spool. `store` keeps them, `discard` does not."""

    def __init__(self, spool: "Spool") -> None:
        self._spool = spool
        self._digest = hashlib.blake2b(digest_size=32)
        descriptor, name = tempfile.mkstemp(dir=spool.unfinished)
        self._path = Path(name)
        # Without a buffer: of a disk that is full, it is known what of the message is there.
        self._file = os.fdopen(descriptor, "w+b", buffering=0)
        self.size = 0
        self.digest = ""
        """Hexadecimal, known once stored."""

    def write(self, octets: bytes | bytearray) -> None:
        """Add octets. Raises `OSError` where there is no room; then the message cannot be stored."""
        left = memoryview(octets)
        while left:
            left = left[self._file.write(left) :]
        self._digest.update(octets)
        self.size += len(octets)

    def written(self, octets: int, start: int = 0) -> bytes:
        """Return octets that were written, from there on, at most so many. Raises `OSError`, also once it is closed."""
        try:
            return os.pread(self._file.fileno(), min(octets, max(0, self.size - start)), start)
        except ValueError as error:
            raise OSError(str(error)) from None

    def store(self) -> str:
        """Make the message durable under the name of its content, and return that name. Raises `OSError`.

        Its folder is not yet durable: `Spool.settle` makes so the folders of many messages at once.
        """
        faults.point("spool.written")
        os.fsync(self._file.fileno())
        faults.point("spool.synced")
        self.digest = self._digest.hexdigest()
        target = self._spool.path(self.digest)
        target.parent.mkdir(mode=0o750, exist_ok=True)
        # A link, not a renaming: what was stored can be given its name again (`restore`) until it is discarded.
        self._link(target)
        faults.point("spool.named")
        return self.digest

    def restore(self) -> None:
        """Give the content its name again where another process has just removed it."""
        target = self._spool.path(self.digest)
        target.parent.mkdir(mode=0o750, exist_ok=True)
        self._link(target)
        self._spool.settle([self.digest])

    def _link(self, target: Path) -> None:
        try:
            os.link(self._path, target)
        except FileExistsError:
            # The same content; but neither one whose file lost its end in a power cut may stand for it, nor one that
            # somebody has removed since.
            if _size(target) != self.size:
                spare = self._path.with_suffix(".again")
                os.link(self._path, spare)
                os.replace(spare, target)

    def discard(self) -> None:
        """Forget the unfinished file; what was stored stays."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


class Spool:
    """A folder of message contents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unfinished = folder / _UNFINISHED

    def prepare(self) -> None:
        """Make the folders. Raises `OSError`."""
        self.unfinished.mkdir(parents=True, mode=0o750, exist_ok=True)

    def path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest

    def incoming(self) -> Incoming:
        """Begin a message. Raises `OSError`."""
        try:
            return Incoming(self)
        except FileNotFoundError:
            self.prepare()
            return Incoming(self)

    def settle(self, digests: Iterable[str]) -> None:
        """Make the names of stored messages durable. Raises `OSError`."""
        folders = {self.path(digest).parent for digest in digests}
        for folder in (*sorted(folders), self.folder):
            _durable(folder)
        faults.point("spool.settled")

    def holds(self, digest: str) -> bool:
        return self.path(digest).exists()

    def open(self, digest: str) -> BinaryIO:
        """Open a content for reading. Raises `OSError`."""
        return open(self.path(digest), "rb")

    def remove(self, digests: Sequence[str]) -> int:
        """Remove contents and return the octets given back; `quarantine.store` decides when that is right.

        Raises `OSError`; the others have been removed then.
        """
        # Where others make files durable meanwhile, one removal after the other spends its time waiting for them.
        with ThreadPoolExecutor(_REMOVERS) as threads:
            return sum(threads.map(self._remove, (digests[start::_REMOVERS] for start in range(_REMOVERS))))

    def _remove(self, digests: Iterable[str]) -> int:
        freed = 0
        for digest in digests:
            path = f"{self.folder}/{digest[:2]}/{digest}"
            try:
                size = os.stat(path).st_size
                os.unlink(path)
            except FileNotFoundError:
                continue
            freed += size
        return freed

    def digests(self) -> Iterator[str]:
        """Yield the name of every content."""
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            yield from (name for name in sorted(os.listdir(folder)) if len(name) == 64)

    def sweep(self) -> None:
        """Remove unfinished files that a dead process left more than a day ago."""
        before = time.time() - _UNFINISHED_SECONDS
        for path in self.unfinished.glob("*"):
            try:
                if path.stat().st_mtime < before:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:
                continue


def _size(path: Path) -> int | None:
    """The size of a file, None where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
