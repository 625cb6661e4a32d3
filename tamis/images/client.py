"""Asking the readers of images, by a socket. Nothing here waits past its deadline, whatever becomes of the readers."""

import socket
import threading
import time
from pathlib import Path
from typing import Final, Protocol

import msgspec

from tamis import limits, turn
from tamis.images.answers import Reply, Request, Task
from tamis.images.wire import receive, send

_GRACE_SECONDS: Final = 0.3
"""How long after its time is up a reader may say so."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 10.0

_reply: Final = msgspec.msgpack.Decoder(Reply)


class Readers(Protocol):
    """What looks at images."""

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        """Return what is to be said of an image by the deadline (monotonic seconds). Never raises."""


class NoReaders:
    """Where there are none: nothing is known of any image."""

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        return Reply(failed="nothing reads images here")


class SocketReaders:
    """Readers behind a socket; use one per process, in any thread.

    Those who do not answer at all are left alone for a while: waiting for them with each message would cost more than
    it is worth.
    """

    def __init__(self, path: Path, seconds: float = limits.IMAGE_SECONDS) -> None:
        """`seconds` is how long one image may take."""
        self._path = str(path)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._pause = _FIRST_PAUSE
        self._closed_until = 0.0

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        now = time.monotonic()
        if now < self._closed_until:
            return Reply(failed="the readers of images do not answer")
        deadline = min(deadline, now + self._seconds + _GRACE_SECONDS)
        if deadline - now < 2 * _GRACE_SECONDS:
            return Reply(failed="the time for images is used up")
        try:
            reply = self._exchange(Request(task, deadline - now - _GRACE_SECONDS, data), deadline)
        except TimeoutError:
            self._rest()
            return Reply(failed="the readers of images do not answer in time")
        except BlockingIOError:
            return Reply(failed="too many images wait to be read")
        except (EOFError, ConnectionResetError, BrokenPipeError):
            return Reply(failed="the reader of the image ended")
        except (OSError, msgspec.MsgspecError):
            self._rest()
            return Reply(failed="there are no readers of images")
        self._pause = _FIRST_PAUSE
        return reply

    def _exchange(self, request: Request, deadline: float) -> Reply:
        with turn.given(), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            connection.connect(self._path)
            send(connection, msgspec.msgpack.encode(request))
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            return _reply.decode(receive(connection))

    def _rest(self) -> None:
        with self._lock:
            now = time.monotonic()
            # Several threads find out at the same time.
            if now >= self._closed_until:
                self._closed_until = now + self._pause
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
