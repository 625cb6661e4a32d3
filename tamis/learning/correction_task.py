"""The keeper's task that has the second layer made anew when it was made of other lessons, or over another model."""

import contextlib
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import msgspec
import numpy as np

from tamis import faults
from tamis.config import Config
from tamis.learning import corrected, published
from tamis.learning.rebuild_process import DISTURBED, Result
from tamis.learning.rebuilding import job_of
from tamis.learning.standing import is_stale
from tamis.model_source import Stamp, model_path, stamp_of
from tamis.models.sparse import SparseWeights

_log: Final = logging.getLogger("tamis")
_COMMAND: Final = (sys.executable, "-P", "-m", "tamis.learning.rebuild_process")
REST_SECONDS: Final = 30.0
"""The least between two rebuilds; and nine times what the last one took."""
_REST_TIMES: Final = 9
_KILLED_AFTER_SECONDS: Final = 1800.0
_SAID: Final = 2000


@dataclass(slots=True)
class Staleness:
    """Since when the second layer is another than that of the lessons, in monotonic seconds; None while it is not."""

    since: float | None = None

    def note(self, stale: bool) -> None:
        self.since = (self.since or time.monotonic()) if stale else None

    @property
    def seconds(self) -> float:
        """How long that has been so; 0 while it is not."""
        return time.monotonic() - self.since if self.since is not None else 0.0


STALENESS: Final = Staleness()
"""As the task of this process found it last."""


class NotRebuilt(Exception):
    """The second layer could not be made; the text says why. The last good one stays."""


class CorrectionTask:
    """Starts the process, looks whether it has ended, and writes what it made. Never waits for it."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._path = corrected.corrected_path(config)
        self._looked_at: tuple[Stamp | None, ...] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._answer: IO[bytes]
        self._said: IO[bytes]
        self._began = 0.0
        self._not_before = 0.0
        self._failure: NotRebuilt | None = None

    @property
    def running(self) -> bool:
        """Whether a rebuild is under way."""
        return self._process is not None

    def run(self) -> None:
        """Take up what was made, and begin anew where that is due. Raises `NotRebuilt`, OSError or ValueError."""
        if self._process is not None:
            self._take_up(self._process)
        if self._process is None and self._stale() and self._clock() >= self._not_before:
            self._start()
        if self._failure is not None:
            raise self._failure

    def _stale(self) -> bool:
        """Whether it is to be made anew; looked into when one of the files changes."""
        paths = (published.learned_path(self._config), self._path, model_path(self._config))
        stamps = tuple(map(_stamp, paths))
        if stamps != self._looked_at:
            STALENESS.note(is_stale(self._config))
            self._looked_at = stamps
        return STALENESS.since is not None

    def _start(self) -> None:
        job = job_of(self._config, datetime.now(UTC).date())
        folder = self._config.state_directory
        self._answer, self._said = tempfile.TemporaryFile(dir=folder), tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._began = self._clock()
        self._process = subprocess.Popen(
            _COMMAND, stdin=subprocess.PIPE, stdout=self._answer, stderr=self._said, cwd="/"
        )
        assert self._process.stdin is not None
        # By standard input, since the URL may hold a password; where it died at once, its status says so.
        with contextlib.suppress(BrokenPipeError), self._process.stdin as asked:
            asked.write(msgspec.json.encode(job))

    def _take_up(self, process: "subprocess.Popen[bytes]") -> None:
        status = process.poll()
        if status is None:
            if self._clock() - self._began > _KILLED_AFTER_SECONDS:
                process.kill()
            return
        took = self._clock() - self._began
        self._process, self._not_before = None, self._clock() + max(REST_SECONDS, _REST_TIMES * took)
        with self._answer, self._said:
            if status == DISTURBED:
                return
            if status:
                self._said.seek(0)
                lines = self._said.read().decode("utf-8", "replace")[-_SAID:].strip().splitlines()
                self._failure = NotRebuilt(f"status {status}: {lines[-1] if lines else 'it said nothing'}")
                return
            self._answer.seek(0)
            result = msgspec.msgpack.decode(self._answer.read(), type=Result)
        moved = SparseWeights(np.frombuffer(result.indices, "<u4"), np.frombuffer(result.weights, "<i2"))
        self._failure = None
        made = corrected.write(self._path, result.made, moved)
        faults.point("corrected.written")
        fields = {"ham": made.ham, "spam": made.spam, "moved": made.moved, "seconds": round(took, 1)}
        _log.info("the second layer was made anew of what was learned", extra={"fields": fields})


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp_of(path)
    except OSError:
        return None
