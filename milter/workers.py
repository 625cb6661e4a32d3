"""The workers of the daemon as its supervisor sees them: forked, awaited, replaced, told to go."""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tamis.config import Config
from tamis.milter import log, worker
from tamis.milter.core import Core
from tamis.milter.process import BackOff, how_it_ended, reap
from tamis.milter.sockets import Listener

_START_SECONDS: Final = 60.0
"""A worker that does not serve after this time never will."""


@dataclass(frozen=True)
class Blueprint:
    """All that a worker is made from; a reload makes a new one."""

    config: Config
    core: Core
    redis_url: str
    count: int


@dataclass
class _Worker:
    pid: int
    listener: Listener
    started: float
    ready_pipe: int
    ready: bool = False

    def poll_ready(self) -> None:
        if self.ready:
            return
        with contextlib.suppress(BlockingIOError):
            self.ready = os.read(self.ready_pipe, 1) == b"1"

    def tell(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Workers:
    """One generation of workers: `count` for each listening socket, since libmilter serves one per process."""

    def __init__(self, listeners: Sequence[Listener], blueprint: Blueprint) -> None:
        self._listeners = listeners
        self._blueprint = blueprint
        self._alive: dict[int, _Worker] = {}
        self._due: list[tuple[float, Listener]] = []
        self._back_off = {listener.name: BackOff() for listener in listeners}
        self._leaving = False
        self.started = time.monotonic()
        self.died_before_ready = False

    @property
    def alive(self) -> int:
        return len(self._alive)

    @property
    def wanted(self) -> int:
        return self._blueprint.count * len(self._listeners)

    @property
    def all_ready(self) -> bool:
        return len(self._alive) == self.wanted and all(one.ready for one in self._alive.values())

    @property
    def failed_to_start(self) -> bool:
        """Whether this generation will not get ready: meant to be asked until it is."""
        return self.died_before_ready or time.monotonic() - self.started > _START_SECONDS

    def start(self) -> None:
        for listener in self._listeners:
            for _ in range(self._blueprint.count):
                self._start_one(listener)

    def _start_one(self, listener: Listener) -> None:
        """Fork a worker; where the system has no room for one, try again later."""
        try:
            self._fork(listener)
        except OSError as error:
            self.died_before_ready = True
            wait = self._back_off[listener.name].delay(0.0)
            self._due.append((time.monotonic() + wait, listener))
            log.failure("a worker cannot be started", error, seconds=round(wait, 1))

    def _fork(self, listener: Listener) -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        supervisor = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if pid == 0:
            os.close(reading)
            others = [other.socket for other in self._listeners if other is not listener]
            plan = self._blueprint
            worker.run(listener.socket, others, plan.config, plan.core, plan.redis_url, writing, supervisor)
        os.close(writing)
        self._alive[pid] = _Worker(pid, listener, time.monotonic(), reading)

    def check(self) -> None:
        """Notice who got ready and who died, and fork again what is due."""
        for one in list(self._alive.values()):
            one.poll_ready()
            status = reap(one.pid)
            if status is not None:
                self._ended(one, status)
        now = time.monotonic()
        for due in [due for due in self._due if due[0] <= now]:
            self._due.remove(due)
            self._start_one(due[1])

    def _ended(self, one: _Worker, status: int) -> None:
        one.poll_ready()
        os.close(one.ready_pipe)
        del self._alive[one.pid]
        if self._leaving:
            log.debug("a worker left", pid=one.pid, ended=how_it_ended(status))
            return
        self.died_before_ready |= not one.ready
        wait = self._back_off[one.listener.name].delay(time.monotonic() - one.started)
        self._due.append((time.monotonic() + wait, one.listener))
        log.warning(
            "a worker died; another takes its place", pid=one.pid, ended=how_it_ended(status), seconds=round(wait, 1)
        )

    @property
    def waiting(self) -> bool:
        """Whether something is going to happen soon that no signal tells of."""
        return bool(self._due) or not all(one.ready for one in self._alive.values())

    def leave(self, number: int) -> None:
        """Send the workers away, by `worker.RETIRE` or `worker.FINISH`; none is replaced any more."""
        self._leaving = True
        self._due.clear()
        for one in self._alive.values():
            one.tell(number)

    def kill(self) -> None:
        for one in self._alive.values():
            one.tell(signal.SIGKILL)
