"""Cached answers in Redis: one round trip to ask for all of a message's, one to store what was missing.

Answers are cached, never actions, and never errors. Redis may vanish at any moment: then everything
is computed, slower and no different. A broken server is left alone for a while (a circuit breaker),
since a client's time-out on each message would cost more than the cache ever saved.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0


class Answers:
    """A cache of octets by key. Without a url it remembers nothing. Use one instance per process, made after fork."""

    def __init__(self, url: str, timeout: float = 0.2, lifetime: int = 3600) -> None:
        self._lifetime = lifetime
        self._closed_until = 0.0
        self._pause = _FIRST_PAUSE
        self.failures = 0
        self._client: Any = None
        if url:
            self._client = redis.Redis.from_url(
                url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
            )

    def fetch(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the stored octets of each key in one round trip; None for what is not known."""
        if keys and self._usable():
            try:
                found = self._client.mget(keys)
                self._pause = _FIRST_PAUSE
                return list(found)
            except (redis.RedisError, OSError):
                self._broken()
        return [None] * len(keys)

    def remember(self, answers: Mapping[bytes, bytes]) -> None:
        """Store answers for their lifetime, in one round trip."""
        if not answers or not self._usable():
            return
        try:
            pipeline = self._client.pipeline(transaction=False)
            for key, value in answers.items():
                pipeline.set(key, value, ex=self._lifetime)
            pipeline.execute()
        except (redis.RedisError, OSError):
            self._broken()

    def _usable(self) -> bool:
        return self._client is not None and time.monotonic() >= self._closed_until

    def _broken(self) -> None:
        self.failures += 1
        self._closed_until = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
