"""Readers of a command's own: a pool that is started with the first image, and ends with the process."""

import atexit
import shutil
import tempfile
import threading
from pathlib import Path

from tamis import limits
from tamis.images.answers import Reply, Task
from tamis.images.client import SocketReaders
from tamis.images.pool_process import PoolProcess
from tamis.settings import Images

_STARTS_SECONDS = 5.0


class OwnReaders:
    """Use in a process that may end at any time; `close` is called then by itself."""

    def __init__(self, settings: Images, seconds: float = limits.IMAGE_SECONDS) -> None:
        """`seconds` is how long one image may take."""
        self._settings = settings
        self._seconds = seconds
        self._lock = threading.Lock()
        self._pool: PoolProcess | None = None
        self._readers: SocketReaders | None = None
        self._folder: Path | None = None

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        try:
            readers = self._started()
        except OSError as error:
            return Reply(failed=f"the readers of images cannot be started: {error.strerror or error}")
        return readers.ask(task, data, deadline)

    def _started(self) -> SocketReaders:
        with self._lock:
            if self._readers is None:
                self._folder = Path(tempfile.mkdtemp(prefix="tamis-"))
                atexit.register(self.close)
                path = self._folder / "images.sock"
                settings = self._settings
                self._pool = PoolProcess(
                    path, self._folder / "files", settings.count, settings.tesseract, settings.languages
                )
                self._pool.start()
                self._pool.wait_until_ready(_STARTS_SECONDS)
                self._readers = SocketReaders(path, self._seconds)
            return self._readers

    def close(self) -> None:
        """Stop the pool, if there is one."""
        with self._lock:
            if self._pool is not None:
                self._pool.stop()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._pool = self._readers = self._folder = None
