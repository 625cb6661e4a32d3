"""Cached answers in Redis: one round trip to ask for all of a message's, one to store what was missing in some.

Answers are cached, never actions, and never errors. While Redis is away everything is computed, slower
and no different.
"""

import threading
from collections.abc import Mapping, Sequence

from tamis.redis_client import Command, RedisClient, RoundTrip


class Answers:
    """A cache of octets by key. Where Redis is away it remembers nothing."""

    def __init__(self, redis: RedisClient, lifetime: int = 3600, at_once: int = 1) -> None:
        """`at_once`: fewer new answers than that wait for more, or for `flush`."""
        self._redis = redis
        self._lifetime = lifetime
        self._at_once = at_once
        self._lock = threading.Lock()
        self._waiting: dict[bytes, bytes] = {}

    def round_trip(self) -> RoundTrip:
        """Return one for others to ask with, in the round trip of the next `fetch`."""
        return RoundTrip(self._redis)

    def fetch(self, keys: Sequence[bytes], trip: RoundTrip | None = None) -> list[bytes | None]:
        """Return the octets of each key, in one round trip at most; None for what is not known.

        What others have asked by `trip` goes with it, and is answered when this returns.
        """
        trip = trip or self.round_trip()
        waiting = self._waiting
        asked = [key for key in keys if key not in waiting] if waiting else keys
        found: list[object] = []
        if asked:
            trip.add([("MGET", *asked)], found.extend)
        trip.go()
        values_of = found[0] if found else None
        # A server that is no Redis, or a broken one, may answer anything.
        if not isinstance(values_of, list) or len(values_of) != len(asked):
            values_of = [None] * len(asked)
        known = dict(zip(asked, values_of, strict=True))
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
        commands: list[Command] = [("SET", key, value, "EX", self._lifetime) for key, value in waiting.items()]
        self._redis.send(commands)
