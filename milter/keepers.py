"""The keeper as its supervisor sees it: forked, forked again when it dies, replaced, told to go."""

import signal
import time
from collections.abc import Sequence

from tamis.config import Config
from tamis.milter import children, keeper, log
from tamis.milter.children import Child
from tamis.milter.core import Core
from tamis.milter.process import BackOff, how_it_ended
from tamis.milter.sockets import Listener


class Keepers:
    """The keeper, and those before it that are on their way out: at a reload, the next one waits for their end."""

    def __init__(self, listeners: Sequence[Listener], core: Core, redis_url: str) -> None:
        self._listeners = listeners
        self._core = core
        self._redis_url = redis_url
        self._config: Config
        self._child: Child | None = None
        self._outgoing: list[Child] = []
        self._due: float | None = None
        self._back_off = BackOff()
        self.deaths = 0
        """Keepers that died and are, or will be, replaced."""

    @property
    def alive(self) -> bool:
        return self._child is not None or bool(self._outgoing)

    @property
    def starting(self) -> bool:
        """Whether the keeper lives and has not yet done what workers wait for."""
        return self._child is not None and not self._child.ready

    @property
    def waiting(self) -> bool:
        """Whether one is going to be forked soon, which no signal tells of."""
        return self._due is not None

    def start(self, config: Config) -> None:
        """Start a keeper with that configuration in the place of the one before."""
        self.leave(children.FINISH)
        self._config = config
        self._fork()

    def _fork(self) -> None:
        """Fork the keeper; where the system has no room for it, try again later."""
        self._due = None
        try:
            self._child = children.fork(
                lambda ready, supervisor: keeper.run(
                    self._listeners, self._config, self._core, self._redis_url, ready, supervisor
                )
            )
        except OSError as error:
            log.failure("the keeper cannot be started", error, seconds=self._later(0.0))

    def _later(self, lived: float) -> float:
        """Have it forked again after a while, and return the seconds until then."""
        wait = self._back_off.delay(lived)
        self._due = time.monotonic() + wait
        return round(wait, 1)

    def check(self) -> None:
        """Notice who is ready and who has ended, and fork the keeper again when that is due."""
        self._outgoing = [child for child in self._outgoing if child.poll() is None]
        if self._child is not None:
            status = self._child.poll()
            if status is not None:
                self.deaths += 1
                log.warning(
                    "the keeper died; another takes its place",
                    pid=self._child.pid,
                    ended=how_it_ended(status),
                    seconds=self._later(self._child.age),
                )
                self._child = None
        elif self._due is not None and time.monotonic() >= self._due:
            self._fork()

    def leave(self, number: int) -> None:
        """Send the keeper away, by `children.FINISH`, when its tasks under way are done; it is not replaced."""
        self._due = None
        if self._child is not None:
            self._child.tell(number)
            self._outgoing.append(self._child)
            self._child = None

    def kill(self) -> None:
        for child in self._outgoing:
            child.tell(signal.SIGKILL)
