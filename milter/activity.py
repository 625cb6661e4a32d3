"""How many sessions and messages are under way in this process: what a worker waits for before it goes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Activity:
    """Counts open milter sessions and, apart from them, messages between MAIL and the answer to their end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions = 0
        self._messages = 0
        self._busy: dict[int, float] = {}

    @property
    def sessions(self) -> int:
        return self._sessions

    @property
    def messages(self) -> int:
        return self._messages

    def session_opened(self) -> None:
        with self._lock:
            self._sessions += 1

    def session_closed(self) -> None:
        with self._lock:
            self._sessions -= 1

    def message_began(self) -> None:
        with self._lock:
            self._messages += 1

    def message_ended(self) -> None:
        with self._lock:
            self._messages -= 1

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A callback is under way meanwhile that may take its time: it waits for a decision, or for a disk."""
        me = threading.get_ident()
        self._busy[me] = time.monotonic()
        try:
            yield
        finally:
            del self._busy[me]

    @property
    def longest(self) -> float:
        """For how many seconds the slowest of such callbacks has been under way, 0 where there is none."""
        now = time.monotonic()
        return now - min(self._busy.copy().values(), default=now)

    def busy_for(self, seconds: float) -> int:
        """How many of them have been under way for longer than that."""
        before = time.monotonic() - seconds
        return sum(began < before for began in self._busy.copy().values())

    def quiet(self, idle_sessions_too: bool) -> bool:
        """Whether nothing is left to wait for; `idle_sessions_too`: sessions without a message count as well."""
        return self._messages == 0 and (self._sessions == 0 or not idle_sessions_too)


class StillQuiet:
    """Tells whether something has been true for a while, asked again and again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def __call__(self, now_quiet: bool) -> bool:
        if not now_quiet:
            self._since = None
            return False
        now = time.monotonic()
        if self._since is None:
            self._since = now
        return now - self._since >= self._seconds
