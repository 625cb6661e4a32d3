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
        self._endings: dict[int, float] = {}

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
    def ending(self) -> Iterator[None]:
        """A message is decided meanwhile, and its answer given."""
        me = threading.get_ident()
        self._endings[me] = time.monotonic()
        try:
            yield
        finally:
            del self._endings[me]

    @property
    def longest_ending(self) -> float:
        """For how many seconds the slowest of the messages that are being decided has been."""
        return time.monotonic() - min(self._endings.copy().values(), default=time.monotonic())

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
