"""The readers of images as the daemon's supervisor looks after them: started, started again, stopped with it."""

import time
from pathlib import Path

from tamis.config import Config
from tamis.images.pool_process import PoolProcess, socket_path
from tamis.milter import log
from tamis.milter.process import BackOff, how_it_ended
from tamis.settings import Images


class ImagePool:
    """A pool of readers that goes with the supervisor. Without one row 21 abstains, and mail goes on."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._settings = config.settings.images
        self._process: PoolProcess | None = None
        self._restart_at: float | None = None
        self._back_off = BackOff(first=0.2)

    @property
    def waiting(self) -> bool:
        """Whether it is going to be started soon, which no signal tells of."""
        return self._restart_at is not None

    def start(self) -> None:
        """Start it; where that fails it is tried again later."""
        self._restart_at = None
        try:
            if self._process is None:
                path, settings = socket_path(self._config), self._settings
                folder = Path(self._config.settings.daemon.runtime_directory) / "images"
                self._process = PoolProcess(path, folder, settings.count, settings.tesseract, settings.languages)
            self._process.start()
        except OSError as error:
            log.failure("the readers of images cannot be started", error, seconds=self._later(0.0))

    def _later(self, lived: float) -> float:
        wait = self._back_off.delay(lived)
        self._restart_at = time.monotonic() + wait
        return round(wait, 1)

    def check(self) -> None:
        """Notice its end, kill it where it hangs, and start it again when its time has come."""
        if self._restart_at is not None:
            if time.monotonic() >= self._restart_at:
                self.start()
            return
        status = self._process.ended() if self._process else None
        if status is not None and self._process is not None:
            lived = time.monotonic() - self._process.started
            ended = how_it_ended(status)
            log.warning("the readers of images ended; they are started again", ended=ended, seconds=self._later(lived))

    def reload(self, settings: Images) -> None:
        """Take up changed settings: a pool with the old ones is stopped, another takes its place."""
        if settings != self._settings:
            self.stop()
            self._settings = settings
            self.start()

    def stop(self) -> None:
        self._restart_at = None
        if self._process is not None:
            self._process.stop()
            self._process = None
