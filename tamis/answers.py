"""Cached answers in Redis: one round trip to ask for all of a message's, one to store what was missing.

Answers are cached, never actions, and never errors. While Redis is away everything is computed, slower
and no different.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tamis.redis_client import RedisClient


class Answers:
    """A cache of octets by key. Where Redis is away it remembers nothing."""

    def __init__(self, redis: RedisClient, lifetime: int = 3600) -> None:
        self._redis = redis
        self._lifetime = lifetime

    def fetch(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the stored octets of each key in one round trip; None for what is not known."""
        found = self._redis.ask(lambda server: server.mget(keys)) if keys else None
        # A server that is no Redis, or a broken one, may answer anything.
        if not isinstance(found, list) or len(found) != len(keys):
            return [None] * len(keys)
        return [value if isinstance(value, bytes) else None for value in found]

    def remember(self, answers: Mapping[bytes, bytes]) -> None:
        """Store answers for their lifetime, in one round trip."""
        if not answers:
            return

        def store(server: Any) -> None:
            pipeline = server.pipeline(transaction=False)
            for key, value in answers.items():
                pipeline.set(key, value, ex=self._lifetime)
            pipeline.execute()

        self._redis.ask(store)
