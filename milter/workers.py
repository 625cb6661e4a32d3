"""The workers of the daemon as its supervisor sees them: forked, awaited, replaced, told to go."""

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tamis.config import Config
from tamis.milter import children, log, worker
from tamis.milter.children import Child
from tamis.milter.core import Core
from tamis.milter.process import BackOff, how_it_ended
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


class Workers:
    """One generation of workers: `count` for each listening socket, since libmilter serves one per process."""

    def __init__(self, listeners: Sequence[Listener], blueprint: Blueprint) -> None:
        self._listeners = listeners
        self._blueprint = blueprint
        self._alive: dict[int, tuple[Child, Listener]] = {}
        self._due: list[tuple[float, Listener]] = []
        self._back_off = {listener.name: BackOff() for listener in listeners}
        self._leaving = False
        self.started = time.monotonic()
        self.died_before_ready = False
        self.deaths = 0
        """Workers that died and are, or will be, replaced."""

    @property
    def alive(self) -> int:
        return len(self._alive)

    @property
    def wanted(self) -> int:
        return self._blueprint.count * len(self._listeners)

    @property
    def ready(self) -> int:
        """Workers that serve."""
        return sum(one.ready for one, _ in self._alive.values())

    @property
    def all_ready(self) -> bool:
        return len(self._alive) == self.wanted and all(one.ready for one, _ in self._alive.values())

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
        others = [other.socket for other in self._listeners if other is not listener]
        plan = self._blueprint
        one = children.fork(
            lambda ready, supervisor: worker.run(
                listener.socket, others, plan.config, plan.core, plan.redis_url, ready, supervisor
            )
        )
        self._alive[one.pid] = (one, listener)

    def check(self) -> None:
        """Notice who got ready and who died, and fork again what is due."""
        for one, listener in list(self._alive.values()):
            status = one.poll()
            if status is not None:
                self._ended(one, listener, status)
        now = time.monotonic()
        for due in [due for due in self._due if due[0] <= now]:
            self._due.remove(due)
            self._start_one(due[1])

    def _ended(self, one: Child, listener: Listener, status: int) -> None:
        del self._alive[one.pid]
        if self._leaving:
            log.debug("a worker left", pid=one.pid, ended=how_it_ended(status))
            return
        self.died_before_ready |= not one.ready
        self.deaths += 1
        wait = self._back_off[listener.name].delay(one.age)
        self._due.append((time.monotonic() + wait, listener))
        log.warning(
            "a worker died; another takes its place", pid=one.pid, ended=how_it_ended(status), seconds=round(wait, 1)
        )

    @property
    def waiting(self) -> bool:
        """Whether something is going to happen soon that no signal tells of."""
        return bool(self._due) or not all(one.ready for one, _ in self._alive.values())

    def leave(self, number: int) -> None:
        """Send the workers away, by `children.RETIRE` or `children.FINISH`; none is replaced any more."""
        self._leaving = True
        self._due.clear()
        for one, _ in self._alive.values():
            one.tell(number)

    def kill(self) -> None:
        for one, _ in self._alive.values():
            one.tell(signal.SIGKILL)
