"""Cached answers in Redis: one round trip to ask for all of a message's, one to store what was missing in some.

Answers are cached, never actions, and never errors. While Redis is away everything is computed, slower
and no different.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from tamis.redis_client import RedisClient


class Answers:
    """A cache of octets by key. Where Redis is away it remembers nothing."""

    def __init__(self, redis: RedisClient, lifetime: int = 3600, at_once: int = 1) -> None:
        """`at_once`: fewer new answers than that wait for more, or for `flush`."""
        self._redis = redis
        self._lifetime = lifetime
        self._at_once = at_once
        self._lock = threading.Lock()
        self._waiting: dict[bytes, bytes] = {}

    def fetch(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the octets of each key, in one round trip at most; None for what is not known."""
        waiting = self._waiting
        asked = [key for key in keys if key not in waiting] if waiting else keys
        found = self._redis.ask(lambda server: server.mget(asked)) if asked else None
        # A server that is no Redis, or a broken one, may answer anything.
        if not isinstance(found, list) or len(found) != len(asked):
            found = [None] * len(asked)
        known = dict(zip(asked, found, strict=True))
        values = [waiting.get(key, known.get(key)) for key in keys]
        return [value if isinstance(value, bytes) else None for value in values]

    def remember(self, answers: Mapping[bytes, bytes]) -> None:
        """Store answers for their lifetime, in one round trip, with those that wait."""
        with self._lock:
            self._waiting.update(answers)
            enough = len(self._waiting) >= self._at_once
        if enough:
            self.flush()

    def flush(self) -> None:
        """Store what waits."""
        if not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, {}

        def store(server: Any) -> None:
            pipeline = server.pipeline(transaction=False)
            for key, value in waiting.items():
                pipeline.set(key, value, ex=self._lifetime)
            pipeline.execute()

        self._redis.ask(store)
