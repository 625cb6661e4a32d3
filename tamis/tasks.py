"""What the keeper does again and again: each task in a thread of its own, so that none holds up another."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_log: Final = logging.getLogger("tamis")
_LONG_SECONDS: Final = 60.0
"""A run that takes longer is said in the log."""


FAILING: Final[set[str]] = set()
"""The names of this process's tasks whose last run failed."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something done from time to time. `run` may raise anything: it is logged once, and tried again.

    A run begins `every_seconds` after the end of the one before. At the start of the daemon, workers are
    not started before the first run of a task that is `before_workers`.
    """

    name: str
    every_seconds: float
    run: Callable[[], object]
    before_workers: bool = False


class TaskThread:
    """The thread of one task, from `start` until `stopping` is set and the run under way has ended."""

    def __init__(self, task: Task, stopping: threading.Event) -> None:
        self.task = task
        self.ran = threading.Event()
        """Set when the first run has ended, well or not."""
        self._stopping = stopping
        self._failing = False
        self._began: float | None = None
        self._said_long = False
        self._thread = threading.Thread(target=self._loop, name=task.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for the thread to end; False when it did not in time."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._began, self._said_long = time.monotonic(), False
            self._run()
            self._began = None
            self.ran.set()
            self._stopping.wait(self.task.every_seconds)

    def _run(self) -> None:
        try:
            self.task.run()
        except BaseException as error:  # Even SystemExit: nothing else would ever run this task again.
            if not self._failing:
                fields = {"fields": {"task": self.task.name}}
                _log.error("a task of the keeper failed; it is tried again", exc_info=error, extra=fields)
            self._failing = True
            FAILING.add(self.task.name)
        else:
            if self._failing:
                _log.info("a task of the keeper works again", extra={"fields": {"task": self.task.name}})
            self._failing = False
            FAILING.discard(self.task.name)

    def warn_when_long(self) -> None:
        """Say once of each run that it takes long."""
        began = self._began
        if began is None or self._said_long or time.monotonic() - began < _LONG_SECONDS:
            return
        self._said_long = True
        _log.warning("a task of the keeper takes long", extra={"fields": {"task": self.task.name}})
