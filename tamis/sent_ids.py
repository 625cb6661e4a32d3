"""The Message-IDs of outgoing mail, for all machines together: in Redis.

They tell what answers mail of ours (SPEC, section 1, row 11). One sorted set holds digests with the time each was
sent: the latest `limits.SENT_IDS`, for some days. While Redis is away nothing is known.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from tamis import limits
from tamis.redis_client import RedisClient

_KEY: Final = b"tamis:sent"
_DAY: Final = 86_400


class SentIds:
    """Digests of Message-IDs (`tamis.delivery_failures.message_key`). May be used from any thread."""

    def __init__(self, redis: RedisClient, days: int = 10) -> None:
        self._redis = redis
        self._seconds = days * _DAY

    def add(self, key: str, now: datetime) -> None:
        """Remember one, in one round trip: an automatic answer may be here at once."""

        def write(server: Any) -> None:
            pipeline = server.pipeline(transaction=False)
            pipeline.zadd(_KEY, {bytes.fromhex(key): now.timestamp()})
            pipeline.zremrangebyscore(_KEY, "-inf", now.timestamp() - self._seconds)
            pipeline.zremrangebyrank(_KEY, 0, -limits.SENT_IDS - 1)
            pipeline.expire(_KEY, self._seconds)
            pipeline.execute()

        self._redis.ask(write)

    def any_known(self, keys: Sequence[str], now: datetime) -> bool | None:
        """Whether one of them was sent within those days, in one round trip; None where Redis does not say."""
        if not keys:
            return False

        def ask(server: Any) -> list[float | None]:
            pipeline = server.pipeline(transaction=False)
            for key in keys:
                pipeline.zscore(_KEY, bytes.fromhex(key))
            found: list[float | None] = pipeline.execute()
            return found

        found, oldest = self._redis.ask(ask), now.timestamp() - self._seconds
        return None if found is None else any(sent is not None and sent > oldest for sent in found)
