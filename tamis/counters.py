"""How many distinct members were counted under a name within the last minutes, for all machines together: in Redis.

Each name is a sorted set: the members, each with the time it was counted last. That is exact at the small
numbers that decide (dozens), slides by the millisecond, and lets every policy ask for a window of its own.
HyperLogLog buckets would bound memory for millions of members, which nobody asks for here, but guess, step
by whole buckets, and take 12 KiB for each as soon as they are not sparse.

Memory is bounded: at most `limits.COUNTED_MEMBERS` members are kept for a name, those counted last, and a name
is gone when its longest window has passed since it was last counted. 30 members take about 700 bytes.
Members are stored as a hash keyed with the name: no address stands in Redis, and the same member has nothing
in common under two names.

Counting again what was counted before changes its time alone, so it may be repeated at will. One script is
one round trip, and one step: two machines that count at once see each other. While Redis is away nothing is
counted and nobody is told a number.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final, NamedTuple

from tamis import limits
from tamis.redis_client import Command, RedisClient, RoundTrip, Script

_PREFIX: Final = b"tamis:count:"
_SCRIPT: Final = Script("""\
local key, now, window, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local add = {'ZADD', key}
for i = 4, #ARGV do add[2 * i - 5] = ARGV[1]; add[2 * i - 4] = ARGV[i] end
if #ARGV > 3 then redis.call(unpack(add)) end
redis.call('ZREMRANGEBYRANK', key, 0, -most - 1)
if redis.call('PTTL', key) < window then redis.call('PEXPIRE', key, window) end
return redis.call('ZCOUNT', key, '(' .. string.format('%d', now - window), string.format('%d', now + window))
""")
# The upper bound forgets what a clock that was set back has left in the future.


class Count(NamedTuple):
    """What is counted: members under a name, and the seconds within which the number of all is asked for."""

    name: bytes
    members: tuple[str, ...]
    seconds: float


class Counters:
    """Counts of distinct members in sliding windows. Where Redis is away it counts nothing."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    def count(self, name: bytes, members: Iterable[str], now: datetime, seconds: float) -> int | None:
        """Count members under a name; return how many distinct ones were in the last seconds, None if unknown.

        It goes no further than `limits.COUNTED_MEMBERS`.
        """
        (found,) = self._redis.send([_counting(name, members, now, seconds)])
        return found if isinstance(found, int) else None

    def ahead(self, counts: Iterable[Count], now: datetime, trip: RoundTrip) -> "Counters":
        """Count with what else a round trip asks; return counters that know by then what these said."""
        return _CountedAhead(self._redis, counts, now, trip)

    def forget(self, names: Iterable[bytes]) -> None:
        """Begin anew with those names."""
        keys = [_key(name) for name in names]
        self._redis.ask(lambda server: server.delete(*keys))


def _key(name: bytes) -> bytes:
    return _PREFIX + hashlib.blake2b(name, digest_size=20).digest()


def _hashed(member: str, key: bytes) -> bytes:
    return hashlib.blake2b(member.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()


def _counting(name: bytes, members: Iterable[str], now: datetime, seconds: float) -> Command:
    key = _key(name)
    hashed = (_hashed(member, key.removeprefix(_PREFIX)) for member in islice(members, limits.COUNTED_MEMBERS))
    times = round(1000 * now.timestamp()), round(1000 * seconds)
    return _SCRIPT.call([key], [*times, limits.COUNTED_MEMBERS, *hashed])


class _CountedAhead(Counters):
    """The counters of one message."""

    def __init__(self, redis: RedisClient, counts: Iterable[Count], now: datetime, trip: RoundTrip) -> None:
        super().__init__(redis)
        self._now = now
        self._known: dict[Count, Any] = {}
        for count in dict.fromkeys(counts):
            trip.add([_counting(count.name, count.members, now, count.seconds)], partial(self._take, count))

    def _take(self, count: Count, replies: list[Any]) -> None:
        self._known[count] = replies[0]

    def count(self, name: bytes, members: Iterable[str], now: datetime, seconds: float) -> int | None:
        asked = Count(name, tuple(members), seconds)
        if now != self._now or asked not in self._known:
            return super().count(name, asked.members, now, seconds)
        found = self._known[asked]
        return found if isinstance(found, int) else None
