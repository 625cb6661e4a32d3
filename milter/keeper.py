"""The keeper: the one process that does from time to time what no worker may wait for (`tamis.keeper_tasks`).

Whatever daemons there are, one keeper at a time acts for a state directory; another waits for its end.
"""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from tamis.config import Config
from tamis.milter import children, log
from tamis.milter.core import Core
from tamis.milter.sockets import Listener
from tamis.tasks import TaskThread

_SOON_SECONDS: Final = 0.02
_WATCH_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 5.0
"""How long another keeper may hold the state directory before it is said."""
_FAILED: Final = 70


def run(
    listeners: Sequence[Listener], config: Config, core: Core, redis_url: str, ready: int, supervisor: int
) -> NoReturn:
    """Be the keeper, from just after fork to the end of the process.

    `ready` is written to when the tasks that workers wait for have run once.
    """
    status = _FAILED
    try:
        children.begin("tamis-keeper", supervisor)
        for listener in listeners:
            listener.socket.close()
        status = _keep(config, core, redis_url, ready)
    except Exception as error:
        log.failure("the keeper cannot work", error, pid=os.getpid())
    finally:
        os._exit(status)


def _keep(config: Config, core: Core, redis_url: str, ready: int) -> int:
    lock = config.state_directory / "keeper.lock"
    # Never closed: the lock is held until the process ends, however it does.
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if not _alone(descriptor, lock):
        return 0
    stopping = threading.Event()
    threads = [TaskThread(task, stopping) for task in core.tasks(config, redis_url)]
    for thread in threads:
        thread.start()
    first = [thread for thread in threads if thread.task.before_workers]
    ready_said = False
    while not _told_to_go(_WATCH_SECONDS if ready_said else _SOON_SECONDS):
        if not ready_said and all(thread.ran.is_set() for thread in first):
            ready_said = True
            children.say_ready(ready)
        for thread in threads:
            thread.warn_when_long()
    stopping.set()
    _wait(threads, config.settings.daemon.drain_seconds)
    return 0


def _alone(descriptor: int, lock: Path) -> bool:
    """Wait until no other keeper acts; False when told to go before."""
    began, said = time.monotonic(), False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not said and time.monotonic() - began > _PATIENCE_SECONDS:
                said = True
                log.warning("another keeper acts for this state directory; this one waits", lock=str(lock))
        if _told_to_go(_SOON_SECONDS):
            return False


def _told_to_go(seconds: float) -> bool:
    return signal.sigtimedwait(children.SIGNALS, seconds) is not None


def _wait(threads: Sequence[TaskThread], seconds: float) -> None:
    """Let the tasks under way end, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    late = [thread.task.name for thread in threads if not thread.wait(deadline - time.monotonic())]
    if late:
        log.warning("the keeper ends with tasks under way", pid=os.getpid(), tasks=late)
