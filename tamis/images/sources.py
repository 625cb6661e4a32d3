"""Where an engine takes known images from: commands from the database, workers from the file that the keeper writes."""

import os
from pathlib import Path
from typing import Protocol

from tamis.images.known import KnownImages, open_known
from tamis.images.known_writer import build
from tamis.images.store import ImageStore


class ImageSource(Protocol):
    """Says which images are known."""

    def fresh(self) -> KnownImages | None:
        """Return them, None while they are what they were. Raises SQLAlchemyError, OSError or ValueError."""
        ...


class DatabaseImages:
    """As they are in the database now."""

    def __init__(self, url: str) -> None:
        self._store = ImageStore(url)
        self._version = 0

    def fresh(self) -> KnownImages | None:
        version = self._store.version()
        if version == self._version:
            return None
        found = KnownImages(build(self._store.known(), version))
        self._version = version
        return found


class MappedImages:
    """As the keeper has last written them, in memory that all workers share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken: tuple[int, int, int] | None = None

    def fresh(self) -> KnownImages | None:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return None  # Nobody has ever learned one.
        with file:
            status = os.fstat(file.fileno())
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if stamp == self._taken:
                return None
            # One that is damaged is not read again and again.
            self._taken = stamp
            return open_known(file)
