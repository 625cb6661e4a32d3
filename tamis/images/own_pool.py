"""Readers of a command's own: a pool that is started with the first image, and ends with the process."""

import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Final

from tamis import limits
from tamis.images.answers import Reply, Task
from tamis.images.client import SocketReaders
from tamis.images.pool_process import PoolProcess
from tamis.settings import Images

_STARTS_SECONDS: Final = 5.0


class OwnReaders:
    """May be dropped, or its process end, at any time; `close` stops the pool at once."""

    def __init__(self, settings: Images, seconds: float = limits.IMAGE_SECONDS) -> None:
        """`seconds` is how long one image may take."""
        self._settings = settings
        self._seconds = seconds
        self._lock = threading.Lock()
        self._readers: SocketReaders | None = None
        self._end: weakref.finalize[..., OwnReaders] | None = None

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        try:
            readers = self._started()
        except OSError as error:
            return Reply(failed=f"the readers of images cannot be started: {error.strerror or error}")
        return readers.ask(task, data, deadline)

    def _started(self) -> SocketReaders:
        with self._lock:
            if self._readers is None:
                folder, settings = Path(tempfile.mkdtemp(prefix="tamis-")), self._settings
                path = folder / "images.sock"
                pool = PoolProcess(path, folder / "files", settings.count, settings.tesseract, settings.languages)
                self._end = weakref.finalize(self, _end, pool, folder)
                pool.start()
                pool.wait_until_ready(_STARTS_SECONDS)
                self._readers = SocketReaders(path, self._seconds)
            return self._readers

    def close(self) -> None:
        """Stop the pool, if there is one; the next image would start another."""
        with self._lock:
            if self._end is not None:
                self._end()
            self._readers = self._end = None


def _end(pool: PoolProcess, folder: Path) -> None:
    pool.stop()
    shutil.rmtree(folder, ignore_errors=True)
