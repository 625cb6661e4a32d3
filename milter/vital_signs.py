"""What the supervisor counts of its children, in its file beside those of the workers (`tamis.metrics.shared`)."""

import time
from typing import Final

from tamis.config import Config
from tamis.metrics.shared import CountsFile, metrics_folder
from tamis.milter import log
from tamis.milter.keepers import Keepers
from tamis.milter.workers import Workers

_EVERY_SECONDS: Final = 1.0


class VitalSigns:
    """Written once a second, where anybody is to be told of metrics."""

    def __init__(self, config: Config) -> None:
        self._file = CountsFile(metrics_folder(config), "supervisor")
        self._wanted = bool(config.settings.metrics.listen)
        self._started = time.time()
        self._next = 0.0
        self._gone = 0
        self._failed = False

    def reload(self, config: Config) -> None:
        self._wanted = bool(config.settings.metrics.listen)
        self._next = 0.0

    def left(self, workers: Workers) -> None:
        """Keep what was counted of a generation that another takes the place of."""
        self._gone += workers.deaths

    def write(self, workers: Workers, keepers: Keepers) -> None:
        """Write, when that is due; never raises."""
        now = time.monotonic()
        if not self._wanted or now < self._next:
            return
        self._next = now + _EVERY_SECONDS
        counters: dict[str, float] = {
            "tamis_worker_restarts_total": self._gone + workers.deaths,
            "tamis_keeper_restarts_total": keepers.deaths,
        }
        gauges: dict[str, float] = {
            "tamis_workers": workers.ready,
            "tamis_workers_wanted": workers.wanted,
            "tamis_start_time_seconds": round(self._started),
        }
        try:
            self._file.write(counters, gauges)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.failure("what is counted cannot be written", error)
            self._failed = True
