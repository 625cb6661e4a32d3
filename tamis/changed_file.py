"""A file that is read anew when another has come in its place."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

FileStamp = tuple[int, int, int]
Content = TypeVar("Content")


def file_stamp(status: os.stat_result) -> FileStamp:
    """Return what tells a file from the one that was in its place before."""
    return status.st_ino, status.st_mtime_ns, status.st_size


class ChangedFile:
    """Remembers which file it has read last, and which it could not read."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._taken: FileStamp | None = None
        self._bad: tuple[FileStamp, ValueError] | None = None

    def fresh(self, read: Callable[[BinaryIO], Content]) -> Content | None:
        """Return what `read` makes of the file, None while it is the one that was read last.

        Raises OSError, and the ValueError of `read`: each time, but one file is not read again and again for it.
        """
        with self.path.open("rb") as file:
            stamp = file_stamp(os.fstat(file.fileno()))
            if stamp == self._taken:
                return None
            if self._bad is not None and stamp == self._bad[0]:
                raise self._bad[1].with_traceback(None)
            try:
                found = read(file)
            except ValueError as error:
                self._bad = stamp, error
                raise
        self._taken = stamp
        return found
