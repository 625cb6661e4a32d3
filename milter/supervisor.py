"""The supervisor: opens the sockets, gives up root, forks keeper and workers, and looks after them until the end.

It has one thread and no handler: its signals are blocked and waited for.
"""

import os
import pwd
import signal
import time
from pathlib import Path
from typing import Final

from tamis import config as configuration
from tamis.config import Config, ConfigError
from tamis.milter import children, log, sockets
from tamis.milter.core import Core
from tamis.milter.image_pool import ImagePool
from tamis.milter.keepers import Keepers
from tamis.milter.redis_server import RedisServer
from tamis.milter.restart import needing_restart, without_restart
from tamis.milter.sd_notify import Notifier
from tamis.milter.sockets import CannotListen, Listener
from tamis.milter.vital_signs import VitalSigns
from tamis.milter.workers import Blueprint, Workers
from tamis.privileges import NoSuchUser, become_service_user, make_owned
from tamis.settings import Daemon

_STOP: Final = (signal.SIGTERM, signal.SIGINT)
_SIGNALS: Final = (*_STOP, signal.SIGHUP, signal.SIGCHLD)
_BUSY_SECONDS: Final = 0.02
_IDLE_SECONDS: Final = 1.0
_KILL_AFTER_SECONDS: Final = 3.0
"""Children that outstay the time for finishing by this much are killed."""
_KEEPER_SECONDS: Final = 10.0
"""How long workers wait at the start for the keeper to read the lists: a database that is away must not keep them."""


class CannotStart(Exception):
    """The daemon cannot start; the text is one clear line."""


class Supervisor:
    """`tamis serve`. `path` is read again on SIGHUP; `core` is what judges messages."""

    def __init__(self, path: Path | None, config: Config, core: Core) -> None:
        self._path = path
        self._config = config
        self._core = core
        self._notifier = Notifier(os.environ)
        self._next_watchdog = float("inf")  # Not before it is ready.
        self._listeners: list[Listener] = []
        self._redis: RedisServer | None = None
        self._images: ImagePool | None = None
        self._redis_url = config.settings.redis.url
        self._current: Workers
        self._leaving: list[Workers] = []
        self._keepers: Keepers
        self._successor: tuple[Config, Workers] | None = None
        self._reload_again = False
        self._vital_signs = VitalSigns(config)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        log.configure(self._config.settings.log)
        try:
            self._prepare()
            self._start()
        except (CannotStart, CannotListen, NoSuchUser) as error:
            log.plain(str(error))
            self._clean_up()
            return 1
        self._loop()
        self._stop()
        return 0

    # --- start

    def _prepare(self) -> None:
        """Folders and sockets as the user who started us, the rest as the service user."""
        daemon = self._config.settings.daemon
        _make_folders(daemon)
        self._listeners = sockets.open_all(daemon, os.environ)
        try:
            become_service_user(self._config)
        except OSError as error:
            raise CannotStart(f"cannot become the user {daemon.user!r}: {error}") from None
        if not self._redis_url:
            server = RedisServer(self._config.settings.redis, Path(daemon.runtime_directory))
            if server.start():
                self._redis, self._redis_url = server, server.url
        if self._core.reads_images:
            self._images = ImagePool(self._config)
            self._images.start()
        try:
            self._core.preload(self._config)
        except (OSError, ValueError) as error:
            raise CannotStart(f"cannot load the classifier's model: {error}") from None

    def _start(self) -> None:
        self._keepers = Keepers(self._listeners, self._core, self._redis_url)
        self._keepers.start(self._config)
        self._wait_for_keeper()
        self._current = self._generation(self._config)
        while not self._current.all_ready:
            if self._current.failed_to_start:
                self._current.leave(children.FINISH)
                raise CannotStart("cannot start: a worker ended before it served (its reason stands above)")
            if signal.sigtimedwait(_STOP, _BUSY_SECONDS) is not None:
                os.kill(os.getpid(), signal.SIGTERM)  # Seen again by the loop, which stops in good order.
                return
            self._check()
        self._notifier.ready(self._status())
        self._next_watchdog = time.monotonic()
        log.info(
            "ready",
            pid=os.getpid(),
            workers=self._current.wanted,
            listen=[listener.name for listener in self._listeners],
            redis=self._redis_url or "none",
            config=str(self._path or "defaults"),
        )

    def _wait_for_keeper(self) -> None:
        """Let the keeper look at the lists before the first message comes, but not for ever."""
        deadline = time.monotonic() + _KEEPER_SECONDS
        while self._keepers.starting:
            if time.monotonic() >= deadline:
                log.warning("the keeper takes long to start; the workers do not wait for it")
                return
            if signal.sigtimedwait(_STOP, _BUSY_SECONDS) is not None:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            self._keepers.check()

    def _generation(self, config: Config) -> Workers:
        count = config.settings.daemon.workers or max(2, os.cpu_count() or 1)
        workers = Workers(self._listeners, Blueprint(config, self._core, self._redis_url, count))
        workers.start()
        return workers

    def _status(self) -> str:
        names = ", ".join(listener.name for listener in self._listeners)
        return f"{self._current.wanted} workers on {names}"

    # --- life

    def _loop(self) -> None:
        while True:
            busy = self._successor or self._current.waiting or self._keepers.waiting
            received = signal.sigtimedwait(_SIGNALS, _BUSY_SECONDS if busy else self._pause())
            if received is not None and received.si_signo in _STOP:
                return
            if received is not None and received.si_signo == signal.SIGHUP:
                self._reload()
            self._check()

    def _pause(self) -> float:
        return min(_IDLE_SECONDS, self._notifier.watchdog_seconds or _IDLE_SECONDS)

    def _check(self) -> None:
        """Look after everything that is under way."""
        self._current.check()
        self._keepers.check()
        if self._redis is not None:
            self._redis.check()
        if self._images is not None:
            self._images.check()
        if self._successor is not None:
            self._successor[1].check()
            self._hand_over(*self._successor)
        self._vital_signs.write(self._current, self._keepers)
        for workers in list(self._leaving):
            workers.check()
            if not workers.alive:
                self._leaving.remove(workers)
        every = self._notifier.watchdog_seconds
        if every is not None and time.monotonic() >= self._next_watchdog:
            self._next_watchdog = time.monotonic() + every
            self._notifier.alive()

    # --- reload

    def _reload(self) -> None:
        """Read the configuration again and start new workers with it; a bad one changes nothing."""
        if self._successor is not None:
            self._reload_again = True
            return
        self._notifier.reloading()
        try:
            wanted = configuration.load(self._path)
            config = without_restart(self._config, wanted)
            self._core.preload(config)
        except ConfigError as error:
            for problem in error.problems:
                log.error("configuration not taken, the running one stays", problem=str(problem))
            self._notifier.ready("the new configuration has mistakes; the running one stays")
            return
        except (OSError, ValueError) as error:
            log.failure("model not loaded, the running configuration stays", error)
            self._notifier.ready("the model cannot be loaded; the running configuration stays")
            return
        for key in needing_restart(self._config, wanted):
            log.warning("a changed key takes effect after a restart only", key=key)
        log.configure(config.settings.log)
        self._successor = (config, self._generation(config))

    def _hand_over(self, config: Config, successor: Workers) -> None:
        """Let the new workers take the place of the old ones once all of them serve."""
        if successor.all_ready:
            self._current.leave(children.RETIRE)
            self._leaving.append(self._current)
            self._vital_signs.left(self._current)
            self._current, self._config = successor, config
            self._vital_signs.reload(config)
            self._keepers.start(config)
            if self._images is not None:
                self._images.reload(config.settings.images)
            log.info("configuration taken, new workers serve", workers=successor.wanted)
            self._notifier.ready(self._status())
        elif successor.failed_to_start:
            successor.leave(children.FINISH)
            self._leaving.append(successor)
            log.configure(self._config.settings.log)
            log.error("new workers do not start, the running ones stay")
            self._notifier.ready("new workers did not start; the running configuration stays")
        else:
            return
        self._successor = None
        if self._reload_again:
            self._reload_again = False
            self._reload()

    # --- end

    def _stop(self) -> None:
        """Take no connection any more, let messages under way finish, leave nothing behind."""
        self._notifier.stopping()
        log.info("stopping")
        self._close_sockets()
        workers = [self._current, *self._leaving, *([self._successor[1]] if self._successor else [])]
        everyone: list[Workers | Keepers] = [*workers, self._keepers]
        for each in everyone:
            each.leave(children.FINISH)
        deadline = time.monotonic() + self._config.settings.daemon.drain_seconds + _KILL_AFTER_SECONDS
        killed = False
        while any(each.alive for each in everyone):
            if time.monotonic() >= deadline and not killed:
                killed = True
                log.warning("children that do not end are killed")
                for each in everyone:
                    each.kill()
            signal.sigtimedwait([signal.SIGCHLD], _BUSY_SECONDS)
            for each in everyone:
                each.check()
        self._clean_up()
        log.info("stopped")

    def _close_sockets(self) -> None:
        for listener in self._listeners:
            listener.socket.close()
            listener.remove_file()
        self._listeners = []

    def _clean_up(self) -> None:
        self._close_sockets()
        if self._redis is not None:
            self._redis.stop()
        if self._images is not None:
            self._images.stop()


def _make_folders(daemon: Daemon) -> None:
    """Make the state and the runtime folder; as root, they belong to the service user."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        try:
            user = pwd.getpwnam(daemon.user)
        except KeyError:
            raise CannotStart(
                f"the user {daemon.user!r} (daemon.user) does not exist: create it or name another"
            ) from None
        uid, gid = user.pw_uid, user.pw_gid
    for key in ("state_directory", "runtime_directory"):
        folder = Path(getattr(daemon, key))
        try:
            make_owned(folder, uid, gid)
        except OSError as error:
            raise CannotStart(f"cannot make {folder} (daemon.{key}): {error.strerror or error}") from None
