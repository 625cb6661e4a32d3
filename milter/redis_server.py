"""The private redis-server, for sites that have none: started, watched and stopped together with the daemon."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from tamis.milter import log
from tamis.milter.process import BackOff, how_it_ended, reap, signal_when_parent_dies, wait_for_end
from tamis.settings import Redis

_START_SECONDS: Final = 3.0
_STOP_SECONDS: Final = 3.0


class RedisServer:
    """A redis-server on a unix socket in the runtime directory. It keeps nothing: what is in it may vanish."""

    def __init__(self, settings: Redis, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._socket = folder / "redis.sock"
        self._log = folder / "redis.log"
        self._pid: int | None = None
        self._started = 0.0
        self._restart_at: float | None = None
        self._back_off = BackOff(first=0.2)

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        return self._pid

    def start(self) -> bool:
        """Start it and wait until it answers. False, with one line in the log, when there is no such program."""
        program = shutil.which(self._settings.server)
        if program is None:
            log.warning(
                "no private redis-server: nothing is cached, rows 3 and 22 abstain",
                missing=self._settings.server,
                key="redis.server",
            )
            return False
        self._spawn(program)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers() and time.monotonic() < deadline and self._pid is not None:
            self.check()
            time.sleep(0.01)
        return True

    def _spawn(self, program: str) -> None:
        self._restart_at = None
        self._started = time.monotonic()
        parent = os.getpid()

        def in_child() -> None:
            # The supervisor's blocked signals would be inherited, and Ctrl-C must reach the supervisor alone.
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.setsid()
            signal_when_parent_dies(signal.SIGTERM, parent)

        try:
            started = subprocess.Popen(
                [program, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=in_child,  # Safe here: the supervisor has one thread.
            )
        except (OSError, subprocess.SubprocessError) as error:
            wait = self._back_off.delay(0.0)
            self._restart_at = time.monotonic() + wait
            log.failure("the private redis-server cannot be started", error, seconds=round(wait, 1))
            return
        self._pid = started.pid
        started.returncode = 0  # Waited for by `check`, not by the subprocess module.

    def _arguments(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "maxmemory": self._settings.maxmemory,
            "maxmemory-policy": "allkeys-lfu",
            "dir": str(self._folder),
            "logfile": str(self._log),
            "loglevel": "warning",
            "daemonize": "no",
        }
        return [word for name, value in settings.items() for word in (f"--{name}", value)]

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(0.5)
            try:
                probe.connect(str(self._socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def check(self) -> None:
        """Notice its death, and start it again when its time has come; called by the supervisor's loop."""
        if self._pid is not None:
            status = reap(self._pid)
            if status is None:
                return
            self._pid = None
            wait = self._back_off.delay(time.monotonic() - self._started)
            self._restart_at = time.monotonic() + wait
            log.warning(
                "the private redis-server ended; it is started again",
                ended=how_it_ended(status),
                seconds=round(wait, 1),
                see=str(self._log),
            )
        elif self._restart_at is not None and time.monotonic() >= self._restart_at:
            program = shutil.which(self._settings.server)
            if program is not None:
                self._spawn(program)

    def stop(self) -> None:
        """Stop it; nothing in it needs saving."""
        self._restart_at = None
        if self._pid is None:
            return
        os.kill(self._pid, signal.SIGTERM)
        if not wait_for_end(self._pid, _STOP_SECONDS):
            os.kill(self._pid, signal.SIGKILL)
            wait_for_end(self._pid, _STOP_SECONDS)
        self._pid = None
        for path in (self._socket, self._log):
            with contextlib.suppress(OSError):
                path.unlink()
