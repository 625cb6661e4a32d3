"""Keeps libmilter's threads moving, and notices when they do not.

libmilter hands a connection, or what came over one, to an idle thread, and starts one where none is idle. Two faults
of that are looked after here (libmilter/worker.c of sendmail 8.17, built with _FFR_WORKERS_POOL as Debian does):

- A thread that has been told is still counted as idle until it runs. So of many connections in one moment all wait for
  the same few threads, and when those wait for a decision, nobody starts others. Something that comes later does,
  though: the new thread takes whatever waits. So a few sessions of our own say something as often as callbacks wait.
- Where the system has no thread to give, the connection is forgotten: nobody reads it, nobody closes it, and the MTA
  waits for its own timeout. That is seen by what lies unread while others are answered, or when our own sessions get
  no answer; the worker must then be replaced.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

_SESSIONS: Final = 4
_NEGOTIATE: Final = struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0)
_SAY: Final = struct.pack("!Icc", 2, b"U", b"\0")
"""An unknown command: the one that libmilter answers in every state, and that no callback of ours is called for."""
_START_SECONDS: Final = 10.0
_SETTLE_SECONDS: Final = 0.01
"""Most callbacks wait for less than this."""
_BUSY_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 0.5
_LOOKS: Final = 10
"""What lasts for so many looks in a row is taken to be for ever. Looks and not seconds: a process may be stopped."""


class Pulse:
    """Make it while libmilter listens where nobody but us knows (`address`); `run` is for a thread of its own.

    `unread` tells of each connection of the MTA on which something waits how far it is read, a number. Ours are not
    among them: what has just been said in one lies unread at each look, on a machine with much other work. `busy` tells
    how many callbacks have been under way for so many seconds, whose connections lie unread for that; `late` says what
    has taken too long, empty where nothing has.
    """

    def __init__(
        self,
        family: int,
        address: Any,
        unread: Callable[[], Mapping[int, int]],
        busy: Callable[[float], int],
        late: Callable[[], str],
    ) -> None:
        self._unread = unread
        self._busy = busy
        self._late = late
        self._lock = threading.Lock()
        self._waiting = 0
        self._wanted = threading.Event()
        self._free = [_session(family, address) for _ in range(_SESSIONS)]
        self._asked: dict[socket.socket, int] = {}
        self._answers = 0
        self._before: tuple[int, Mapping[int, int]] = (0, {})
        self._same: dict[int, int] = {}

    @contextmanager
    def blocked(self) -> Iterator[None]:
        """A thread of libmilter waits in a callback meanwhile."""
        with self._lock:
            self._waiting += 1
        if self._waiting > 1:
            self._wanted.set()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def run(self) -> str:
        """Return why this process cannot go on, once it cannot."""
        failures, next_look = 0, 0.0
        while failures < _LOOKS:
            try:
                self._wanted.wait(_BUSY_SECONDS if self._waiting > 1 else _LOOK_SECONDS)
                self._wanted.clear()
                time.sleep(_SETTLE_SECONDS)
                due = time.monotonic() >= next_look
                if due or self._waiting > 1:
                    self._beat()
                if due:
                    next_look = time.monotonic() + _LOOK_SECONDS
                    if why := self._look():
                        return why
                failures = 0
            except Exception:
                failures += 1
                time.sleep(_LOOK_SECONDS)
        return "it has no memory, or no descriptor, to look after itself"

    def _beat(self) -> None:
        """Take the answers to what was said, and say something again."""
        for one in list(self._asked):
            try:
                answered = bool(one.recv(64))
            except BlockingIOError:
                continue
            if answered:
                del self._asked[one]
                self._free.append(one)
                self._answers += 1
        if self._free:
            one = self._free.pop()
            self._asked[one] = 0
            one.send(_SAY)

    def _look(self) -> str:
        if why := self._late():
            return why
        for one in self._asked:
            self._asked[one] += 1
        if max(self._asked.values(), default=0) > _LOOKS:
            return "libmilter has no thread to answer with"
        answers, unread = self._answers, self._unread()
        if answers > self._before[0]:
            lying = {one for one, read in unread.items() if self._before[1].get(one) == read}
            self._same = {one: self._same.get(one, 0) + 1 for one in lying}
            self._before = answers, unread
        if sum(looks >= _LOOKS for looks in self._same.values()) > self._busy(_LOOK_SECONDS):
            return "libmilter has forgotten a connection"
        return ""


def _session(family: int, address: Any) -> socket.socket:
    one = socket.socket(family)
    one.settimeout(_START_SECONDS)
    one.connect(address)
    one.sendall(_NEGOTIATE)
    if not one.recv(64):
        raise ConnectionError("libmilter does not talk to us")
    one.setblocking(False)
    return one
