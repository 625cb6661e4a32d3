"""The worker's side of the helper: one process for each worker, started when it is first needed.

It is asked one file at a time, and the next waits for its turn; whoever waits too long goes without. One that does not
answer in time, or dies of its file, is killed and started again: each costs that file its answer alone.
"""

import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from typing import Final

import msgspec

from tamis import limits, turn
from tamis.attachments.wire import LENGTH_BYTES, Found, Request, packed

_log: Final = logging.getLogger("tamis")
_START_SECONDS: Final = 3.0
"""What the first file may wait longer: Python and two libraries are loaded."""
_PAUSE_SECONDS: Final = 30.0
"""How long nothing is asked after the helper could not even be started."""
_LONGEST: Final = limits.ARCHIVE_BYTES + limits.MIB
_COMMAND: Final = (sys.executable, "-P", "-m", "tamis.attachments.helper_process")


class NoAnswer(Exception):
    """The helper has not answered; the text says why."""


class Helper:
    """Asks the helper. May be used from any thread; `ask` raises `NoAnswer` only."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._tasks = 0
        self._answered = False
        self._closed_until = 0.0

    def ask(self, request: Request, deadline: float) -> Found:
        """Return what was found in a file. `deadline` is monotonic seconds. Raises `NoAnswer`."""
        deadline = min(deadline, time.monotonic() + limits.HELPER_SECONDS)
        if time.monotonic() < self._closed_until:
            raise NoAnswer("the helper cannot be started")
        with turn.given():
            if not self._turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
                raise NoAnswer("the helper is busy with other files")
            try:
                return self._ask(request, deadline)
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the process, whatever it does."""
        with self._turn:
            self._end()

    def _ask(self, request: Request, deadline: float) -> Found:
        process = self._running()
        if not self._answered:
            deadline += _START_SECONDS
        try:
            answer = _exchange(process, packed(request), deadline)
            found = msgspec.msgpack.decode(answer, type=Found)
        except (OSError, EOFError, ValueError, msgspec.DecodeError, TimeoutError) as error:
            self._end()
            raise NoAnswer(str(error) or "the helper died of it") from None
        self._answered = True
        self._tasks += 1
        if self._tasks >= limits.HELPER_TASKS:
            self._end()
        return found

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            try:
                self._process = subprocess.Popen(
                    _COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    cwd="/",
                )
            except OSError as error:
                self._closed_until = time.monotonic() + _PAUSE_SECONDS
                _log.error("macros and some archives are not looked at, the helper cannot be started: %s", error)
                raise NoAnswer("the helper cannot be started") from None
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            for pipe in (self._process.stdin, self._process.stdout):
                os.set_blocking(pipe.fileno(), False)
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        self._tasks, self._answered = 0, False
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _exchange(process: "subprocess.Popen[bytes]", asked: bytes, deadline: float) -> bytes:
    """Send a request and return the answer. Raises `TimeoutError`, `EOFError` or `OSError`."""
    assert process.stdin is not None
    assert process.stdout is not None
    left, answer = memoryview(asked), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdin, selectors.EVENT_WRITE)
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the helper does not answer in time")
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    left = left[os.write(key.fd, left) :]
                    if not left:
                        selector.unregister(process.stdin)
                    continue
                piece = os.read(key.fd, 1 << 18)
                if not piece:
                    raise EOFError("the helper died of it")
                answer += piece
                length = int.from_bytes(answer[:LENGTH_BYTES], "big")
                if length > _LONGEST:
                    raise ValueError("the helper answers too much")
                if len(answer) >= LENGTH_BYTES + length and len(answer) >= LENGTH_BYTES:
                    return bytes(answer[LENGTH_BYTES:])
