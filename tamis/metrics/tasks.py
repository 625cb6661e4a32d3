"""What the keeper does for metrics: adds up what processes count, looks at the database, and answers over HTTP."""

import threading
from collections import Counter
from http import HTTPStatus
from time import monotonic
from typing import Final

from tamis.config import Config
from tamis.learning.correction_task import STALENESS
from tamis.list_store import ListStore
from tamis.metrics.exposition import text
from tamis.metrics.health import Found, look, reasons_of_processes
from tamis.metrics.names import sample
from tamis.metrics.server import MetricsServer, Reply, metrics_reply
from tamis.metrics.shared import Collected, collect, metrics_folder
from tamis.tasks import FAILING, Task

_EVERY_SECONDS: Final = 5.0
_OLD_SECONDS: Final = 60.0
"""A look at the database that is older says nothing of it."""


class Metrics:
    """What is known, and the server that tells it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._folder = metrics_folder(config)
        self._store = ListStore(config.database_url)
        self._found = Found()
        self._looked = monotonic()
        self._collecting = threading.Lock()
        self._server: MetricsServer | None = None

    def run(self) -> None:
        """Listen where nobody does yet, and look. Raises OSError where it cannot listen."""
        if self._server is None:
            self._server = MetricsServer(self._config.settings.metrics.listen, self.answer)
        self._found, self._looked = look(self._config, self._store), monotonic()
        self._collect()

    def _collect(self) -> Collected:
        with self._collecting:
            return collect(self._folder)

    def answer(self, path: str) -> Reply | None:
        """Return what is said at a path."""
        if path == "/metrics":
            return metrics_reply(text(self.samples()))
        if path == "/healthz":
            alive = bool(self._collect().alive["supervisor"])
            said = "ok\n" if alive else "there is no supervisor\n"
            return Reply(said, HTTPStatus.OK if alive else HTTPStatus.SERVICE_UNAVAILABLE)
        if path == "/readyz":
            reasons = self._reasons(self._collect())
            said = "".join(f"{reason}\n" for reason in reasons) or "ready\n"
            return Reply(said, HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK)
        return None

    def _reasons(self, collected: Collected) -> list[str]:
        reasons = reasons_of_processes(collected) + self._found.reasons
        if monotonic() - self._looked > _OLD_SECONDS:
            reasons.append("the keeper has not got an answer of the database for a minute")
        return reasons

    def samples(self) -> dict[str, float]:
        """Return all samples with their values."""
        collected = self._collect()
        counters = Counter(collected.counters)
        counters.update(self._found.counters)
        failing = {sample("tamis_keeper_task_failing", task=name): 1.0 for name in sorted(FAILING)}
        stale = {"tamis_second_layer_stale_seconds": STALENESS.seconds}
        ready = {"tamis_ready": float(not self._reasons(collected))}
        return {**counters, **collected.gauges, **self._found.gauges, **failing, **stale, **ready}


def tasks(config: Config) -> list[Task]:
    """Return the task, if anybody is to be told; called in the keeper's process."""
    return [Task("metrics", _EVERY_SECONDS, Metrics(config).run)] if config.settings.metrics.listen else []
