"""A worker: one process that serves one listening socket, and leaves without losing a message.

Its main thread only waits for signals (`tamis.milter.children`): told to retire, it waits for every session; told to
finish, for messages under way. SIGTERM and its like would not: libmilter waits for no message.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from tamis import limits
from tamis.config import Config
from tamis.milter import children, log, protocol
from tamis.milter.activity import Activity, StillQuiet
from tamis.milter.core import Core, Engine
from tamis.milter.examiner import Examiner
from tamis.milter.pulse import Pulse
from tamis.milter.session import Session

_REFRESH_SECONDS: Final = 0.5
_SETTLE_SECONDS: Final = 0.5
"""A connection that was accepted just now becomes a session within this time."""
_QUIET_SECONDS: Final = 0.1
"""The last answer is on its way to the MTA for less than this."""
_FAILED: Final = 70
_TOO_LONG_SECONDS: Final = limits.END_OF_MESSAGE_SECONDS + limits.HOLD_SECONDS + 5.0
"""No answer to the end of a message takes so long, unless its thread hangs."""
_LAST_SECONDS: Final = 3.0
"""How long a worker that cannot go on waits for the messages that others have in hand."""


def run(
    listener: socket.socket,
    others: Sequence[socket.socket],
    config: Config,
    core: Core,
    redis_url: str,
    ready: int,
    supervisor: int,
) -> NoReturn:
    """Be a worker, from just after fork to the end of the process. `ready` is written to when it serves."""
    status = _FAILED
    try:
        children.begin("tamis-worker", supervisor)
        for other in others:
            other.close()
        status = _serve(listener, config, core, redis_url, ready)
    except Exception as error:
        log.failure("a worker cannot serve", error, pid=os.getpid())
    finally:
        os._exit(status)


def _serve(listener: socket.socket, config: Config, core: Core, redis_url: str, ready: int) -> int:
    activity = Activity()
    engine = core.engine(config, redis_url)
    protocol.register("tamis")
    line = protocol.Line(listener.family, Path(config.settings.daemon.runtime_directory))
    line.serve(_libmilter_returned)
    pulse = Pulse(line.family, line.address, line.waiting, activity.busy_for, lambda: _late(activity))
    examiner = Examiner(core, config, engine, pulse.blocked)
    protocol.sessions(lambda: Session(examiner, activity))
    line.listen_at(listener)
    listener.close()
    threading.Thread(target=_refresh_forever, args=(engine,), name="refresh", daemon=True).start()
    threading.Thread(target=_watch, args=(pulse, line, activity), name="pulse", daemon=True).start()
    children.say_ready(ready)
    received = signal.sigwait(children.SIGNALS)
    line.stop()
    _wait_until_done(activity, received == children.RETIRE, config.settings.daemon.drain_seconds)
    engine.keep()
    return 0


def _late(activity: Activity) -> str:
    longest = activity.longest
    return f"a message has been in hand for {longest:.0f} seconds" if longest > _TOO_LONG_SECONDS else ""


def _watch(pulse: Pulse, line: protocol.Line, activity: Activity) -> None:
    """End this process once it cannot go on: the MTA is told at once that its connections are no more."""
    try:
        why = pulse.run()
        log.error("a worker ends: another does its work better", why=why, pid=os.getpid())
        line.stop()
        deadline = time.monotonic() + _LAST_SECONDS
        while activity.messages and time.monotonic() < deadline:
            time.sleep(_QUIET_SECONDS)
        time.sleep(_QUIET_SECONDS)
    finally:
        os._exit(_FAILED)


def _libmilter_returned(why: str) -> None:
    log.error("libmilter stopped", why=why, pid=os.getpid())
    os._exit(_FAILED)


def _refresh_forever(engine: Engine) -> None:
    failing = False
    while True:
        time.sleep(_REFRESH_SECONDS)
        try:
            engine.refresh()
            failing = False
        except Exception as error:
            if not failing:
                log.failure("lists and model not refreshed; the last good ones stay", error)
            failing = True


def _wait_until_done(activity: Activity, wait_for_sessions: bool, seconds: float) -> None:
    """Wait for what is under way, at most `seconds`."""
    deadline = time.monotonic() + seconds
    if wait_for_sessions:
        time.sleep(min(_SETTLE_SECONDS, seconds))
    done = StillQuiet(_QUIET_SECONDS)
    while not done(activity.quiet(wait_for_sessions)):
        left = deadline - time.monotonic()
        if left <= 0:
            log.warning(
                "a worker ends with work under way: its clients are asked to try again later",
                pid=os.getpid(),
                sessions=activity.sessions,
                messages=activity.messages,
            )
            return
        # A retiring worker may be told to finish.
        if signal.sigtimedwait(children.SIGNALS, min(0.02, left)) is not None:
            wait_for_sessions = False
