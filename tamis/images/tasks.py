"""What the keeper does for known images: writes the file that workers map, and forgets what traps no longer get."""

import os
from typing import Final

from tamis.config import Config
from tamis.images.known import KnownImagesError, known_path, open_known
from tamis.images.known_writer import build
from tamis.images.store import ImageStore
from tamis.publish import publish
from tamis.tasks import Task

_WRITE_SECONDS: Final = 1.0
_EXPIRE_SECONDS: Final = 3600.0


def tasks(config: Config) -> list[Task]:
    """Return the tasks; called in the keeper's process."""
    store = ImageStore(config.database_url)
    writing = KnownImagesTask(store, config)
    return [
        Task("images", _WRITE_SECONDS, writing.run, before_workers=True),
        Task("old images", _EXPIRE_SECONDS, store.expire),
    ]


class KnownImagesTask:
    """Compares the version number in the database with that of the file."""

    def __init__(self, store: ImageStore, config: Config) -> None:
        self._store = store
        self._path = known_path(config.state_directory)
        self._written = self._version_of_file()

    def _version_of_file(self) -> int:
        try:
            with self._path.open("rb") as file:
                return int(open_known(file).version)
        except (OSError, KnownImagesError):
            return 0

    def run(self) -> None:
        """Write the file where it is not that of the database. Raises SQLAlchemyError or OSError.

        Where there never were images there is no file, and a database that has lost its images leaves the last one.
        """
        version = self._store.version()
        if version in (0, self._written) and (version == 0 or os.path.exists(self._path)):
            return
        publish(self._path, [build(self._store.known(), version)])
        self._written = version
