"""How much ham each peer has recently delivered, for all machines together: in Redis, written every few seconds.

It speaks for a peer that hits traps (SPEC, section 1, row 13), so it need be neither exact nor at hand at once: each
process adds up in memory, and what it has not written yet when it ends is lost. A peer has one number for each period
of some days; the present one and the one before are *recent*.
"""

import hashlib
import threading
import time
from datetime import datetime
from typing import Any, Final

from tamis import limits
from tamis.redis_client import RedisClient

_FLUSH_SECONDS: Final = 5.0
_AT_ONCE: Final = 500
_DAY: Final = 86_400


class HamCounts:
    """Numbers of ham messages by peer. While Redis is away nothing is counted. May be used from any thread."""

    def __init__(self, redis: RedisClient, days: int = 7) -> None:
        self._redis = redis
        self._seconds = days * _DAY
        self._pending: dict[str, int] = {}
        self._lock = threading.Lock()
        self._flush_at = 0.0

    def note(self, network: str) -> None:
        """Count one message of a peer."""
        with self._lock:
            if len(self._pending) < limits.PENDING_PEERS or network in self._pending:
                self._pending[network] = self._pending.get(network, 0) + 1

    def pending(self, network: str) -> int:
        """Return what has been counted here and is not written yet."""
        return self._pending.get(network, 0)

    def keys(self, network: str, now: datetime) -> tuple[bytes, bytes]:
        """Return where Redis has the numbers of the present period and of the one before."""
        period = int(now.timestamp() // self._seconds)
        return self._key(network, period), self._key(network, period - 1)

    def _key(self, network: str, period: int) -> bytes:
        name = f"{self._seconds} {period} {network}".encode()
        return b"tamis:ham:" + hashlib.blake2b(name, digest_size=12).digest()

    def flush(self, now: datetime) -> None:
        """Write what has been counted, at most every few seconds; what cannot be written is lost."""
        if not self._pending or time.monotonic() < self._flush_at:
            return
        self._flush_at = time.monotonic() + _FLUSH_SECONDS
        with self._lock:
            pending, self._pending = self._pending, {}
        peers = list(pending.items())
        for start in range(0, len(peers), _AT_ONCE):
            self._write(peers[start : start + _AT_ONCE], now)

    def _write(self, peers: list[tuple[str, int]], now: datetime) -> None:
        def write(server: Any) -> None:
            pipeline = server.pipeline(transaction=False)
            for network, number in peers:
                key, _ = self.keys(network, now)
                pipeline.incrby(key, number)
                pipeline.expire(key, 2 * self._seconds)
            pipeline.execute()

        self._redis.ask(write)
