"""Counts of several processes, in one small file each, and their sum.

A process keeps a lock on its file while it lives. What one counted that has died is added to `totals` by the keeper, so
that no counter ever goes back; its gauges are gone with it.
"""

import fcntl
import os
import threading
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from tamis.config import Config
from tamis.metrics.names import FAMILIES

_TOTALS: Final = "totals"
_HEADER: Final = 8
_TRIES: Final = 5


def metrics_folder(config: Config) -> Path:
    """Return where the processes leave what they count: in memory, where the runtime directory is."""
    return Path(config.settings.daemon.runtime_directory) / "metrics"


class Counts(msgspec.Struct):
    """Samples by name with labels."""

    kind: str = ""
    counters: dict[str, float] = {}
    gauges: dict[str, float] = {}


class CountsFile:
    """The file of one process; made at the first `write`."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._kind = kind
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def write(self, counters: dict[str, float], gauges: dict[str, float]) -> None:
        """Write all of it. Raises OSError."""
        with self._lock:
            if self._descriptor is None:
                self._descriptor = self._open()
            _put(self._descriptor, Counts(self._kind, counters, gauges))

    def _open(self) -> int:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{self._kind}-{os.getpid()}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor


def _put(descriptor: int, counts: Counts) -> None:
    content = msgspec.msgpack.encode(counts)
    header = len(content).to_bytes(4, "big") + zlib.crc32(content).to_bytes(4, "big")
    os.pwrite(descriptor, header + content, 0)


def _get(descriptor: int) -> Counts | None:
    """Return what a file says; None for one that is not written yet, or not ours."""
    for _ in range(_TRIES):
        header = os.pread(descriptor, _HEADER, 0)
        content = os.pread(descriptor, int.from_bytes(header[:4], "big"), _HEADER)
        # Its process may be just writing.
        if len(header) == _HEADER and zlib.crc32(content) == int.from_bytes(header[4:], "big"):
            with suppress(msgspec.DecodeError):
                return msgspec.msgpack.decode(content, type=Counts)
    return None


@dataclass(slots=True)
class Collected:
    """The sum of all processes. `alive`: how many of each kind there are."""

    counters: Counter[str] = field(default_factory=Counter)
    gauges: dict[str, float] = field(default_factory=dict)
    alive: Counter[str] = field(default_factory=Counter)

    def add_gauges(self, gauges: dict[str, float]) -> None:
        for name, value in gauges.items():
            highest = FAMILIES[name.partition("{")[0]].highest if name.partition("{")[0] in FAMILIES else False
            known = self.gauges.get(name)
            self.gauges[name] = value if known is None else max(known, value) if highest else known + value


def collect(folder: Path) -> Collected:
    """Return the sum of what all processes count. What the dead have counted is put into the totals. Raises OSError.

    Only one process at a time may call it: the keeper.
    """
    found = Collected()
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / _TOTALS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        totals = _get(descriptor) or Counts(_TOTALS)
        for entry in sorted(os.listdir(folder)):
            if entry != _TOTALS:
                _take(folder / entry, found, totals, descriptor)
        found.counters.update(totals.counters)
    finally:
        os.close(descriptor)
    return found


def _take(path: Path, found: Collected, totals: Counts, totals_descriptor: int) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alive = False
        except BlockingIOError:
            alive = True
        counts = _get(descriptor)
        if counts is None:
            return
        if alive:
            found.counters.update(counts.counters)
            found.add_gauges(counts.gauges)
            found.alive[counts.kind] += 1
            return
        for name, value in counts.counters.items():
            totals.counters[name] = totals.counters.get(name, 0) + value
        _put(totals_descriptor, totals)
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
