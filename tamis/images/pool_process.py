"""The pool of readers as whoever started it sees it: started, heard, killed and started again, stopped."""

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from tamis.config import Config
from tamis.images.pool_settings import PoolSettings

_SILENT_SECONDS: Final = 10.0
"""A pool that has not shown for this long that it lives is stopped, or stuck."""
_STARTS_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 2.0
_WAITING: Final = 64
"""Requests that may wait for a reader; who finds more waiting is told at once."""


def socket_path(config: Config) -> Path:
    """Return where the daemon's readers listen."""
    return Path(config.settings.daemon.runtime_directory) / "images.sock"


class PoolProcess:
    """Made once, in a process that outlives it. The socket stays: requests wait while a pool is started again."""

    def __init__(self, path: Path, folder: Path, readers: int, tesseract: str, languages: tuple[str, ...]) -> None:
        """`path` is the socket, `folder` for temporary files. Raises OSError where the socket cannot be made."""
        path.unlink(missing_ok=True)
        self.path = path
        self._folder = folder
        self._readers, self._tesseract, self._languages = readers, tesseract, languages
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(_WAITING)
        self._process: subprocess.Popen[bytes] | None = None
        self._alive = -1
        self._heard = 0.0
        self.started = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it. Raises OSError."""
        self._alive, writing = os.pipe()
        os.set_blocking(self._alive, False)
        settings = PoolSettings(
            self._listener.fileno(), writing, self._readers, str(self._folder), self._tesseract, self._languages
        )
        # Nothing of it may use several threads: there are as many readers as there are to be processors in use.
        single = dict.fromkeys(("OMP_THREAD_LIMIT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tamis.images", msgspec.json.encode(settings).decode()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(self._listener.fileno(), writing),
                start_new_session=True,
                env=os.environ | single,
            )
        finally:
            os.close(writing)
        self.started = time.monotonic()
        self._heard = self.started + _STARTS_SECONDS - _SILENT_SECONDS

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until it shows that it lives, but no longer than that; it may also end meanwhile."""
        select.select([self._alive], (), (), seconds)

    def ended(self) -> int | None:
        """Return the wait status of a pool that has ended, None while it lives; one that hangs is killed."""
        if self._process is None:
            return None
        with contextlib.suppress(BlockingIOError):
            if os.read(self._alive, 4096):
                self._heard = max(self._heard, time.monotonic())
        if time.monotonic() - self._heard > _SILENT_SECONDS:
            self._process.kill()
            self._process.wait()
        code = self._process.poll()
        if code is None:
            return None
        self._forget()
        return -code if code < 0 else code << 8

    def stop(self) -> None:
        """Stop it, and take the socket away."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._forget()
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _forget(self) -> None:
        os.close(self._alive)
        self._process = None
