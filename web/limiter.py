"""How often somebody may ask: counted in Redis for all processes, in this process where Redis does not answer."""

import threading
import time
from collections import Counter
from typing import Any, Final

from tamis.redis_client import RedisClient

_PREFIX: Final = "tamis:web:"
_MOST_KEPT: Final = 20_000
"""Counts that a process keeps; when there are more, it begins anew."""


class Limiter:
    """Counts in windows of fixed length. Any thread may ask."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def allows(self, what: str, who: str, most: int, seconds: int) -> bool:
        """Count one more, and return whether it is at most the `most`th of that window."""
        key = f"{_PREFIX}{what}:{int(time.time()) // seconds}:{who[:400]}"

        def ask(client: Any) -> int:
            pipeline = client.pipeline(transaction=False)
            pipeline.incr(key)
            pipeline.expire(key, seconds + 1)
            return int(pipeline.execute()[0])

        number = self._redis.ask(ask)
        return (self._count(key) if number is None else number) <= most

    def _count(self, key: str) -> int:
        with self._lock:
            if len(self._counts) >= _MOST_KEPT:
                self._counts.clear()
            self._counts[key] += 1
            return self._counts[key]
