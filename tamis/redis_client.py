"""The one Redis client of a process: short time-outs, no retries, and a circuit breaker.

Redis may vanish at any moment, and nothing may wait for it: a broken server is left alone for a while,
since a time-out on each message would cost more than it is worth. All that uses Redis shares one client,
so that a broken server costs one time-out, not one for each use.
"""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

T = TypeVar("T")


class RedisClient:
    """A server that may be away; without a url it always is. Use one per process, made after fork, in any thread."""

    def __init__(self, url: str = "", timeout: float = 0.2) -> None:
        self._closed_until = 0.0
        self._pause = _FIRST_PAUSE
        self.failures = 0
        """How often the server did not answer; each opens the circuit."""
        self._client: Any = None
        if url:
            self._client = redis.Redis.from_url(
                url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
            )

    def ask(self, question: Callable[[Any], T]) -> T | None:
        """Return what `question` got from the server it is called with, None where there was no answer.

        An answer that is an error (a key of another kind, no memory left) is no answer, and no outage either:
        it came at once and says nothing about other keys.
        """
        if self._client is None or time.monotonic() < self._closed_until:
            return None
        try:
            answer = question(self._client)
        except redis.ResponseError:
            return None
        except Exception:  # An answer that makes no sense is a broken server, whatever redis-py stumbles over in it.
            self.failures += 1
            self._closed_until = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            return None
        self._pause = _FIRST_PAUSE
        return answer

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
