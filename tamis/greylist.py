"""Which peers have come back with what was refused at their first try (RFC 6647), for all machines together: in Redis.

What is remembered is the triplet of peer network, envelope sender and recipient: when it was first seen, until it
comes back; then only that it did. A peer network is remembered by some of the triplets that it came back for.

Stored are hashes, no addresses: a triplet takes about 110 bytes. One script is one round trip and one step. While
Redis is away nothing is known, and nobody is told to wait.

Times are those of the caller's clock, and so clocks matter little: one that jumps ahead lets somebody pass early, and
what was first seen in the future of one that was set back is seen anew, for the delay and no longer.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tamis import limits
from tamis.redis_client import RedisClient, Script

_SCRIPT: Final = Script("""\
local now, delay, retry, life = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local enough, most, peer, waits = tonumber(ARGV[5]), tonumber(ARGV[6]), KEYS[1], {}
local known = enough > 0 and redis.call('SCARD', peer) >= enough
if known then redis.call('PEXPIRE', peer, life) end
for i = 2, #KEYS do
  local said, wait = redis.call('GET', KEYS[i]), 0
  if said == 'back' then
    redis.call('PEXPIRE', KEYS[i], life)
  elseif not known then
    local waited = said and now - tonumber(said) or -1
    if waited < 0 or waited > retry then
      redis.call('SET', KEYS[i], ARGV[1], 'PX', retry)
      wait = delay
    elseif waited < delay then
      wait = delay - waited
    else
      redis.call('SET', KEYS[i], 'back', 'PX', life)
      if redis.call('SCARD', peer) < most then redis.call('SADD', peer, string.sub(KEYS[i], -8)) end
      redis.call('PEXPIRE', peer, life)
    end
  end
  waits[i - 1] = wait
end
return waits
""")


class Greylist:
    """First tries and those who came back. Where Redis is away it knows nobody and delays nobody."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    def waits(
        self,
        network: str,
        sender: str,
        recipients: Sequence[str],
        now: datetime,
        *,
        delay: float,
        retry: float,
        lifetime: float,
        enough: int,
    ) -> list[float] | None:
        """Note a try, and return for each recipient how many seconds are left to wait, 0 where it passes.

        A first try must come back after `delay` seconds and within `retry`; then it passes until it was not seen for
        `lifetime`. A peer network that came back for `enough` triplets passes with all others; with 0 none does.
        None where nothing is known. It goes no further than `limits.GREYLISTED_RECIPIENTS`.
        """
        keys = [b"tamis:grey:" + _digest(network)]
        keys += (
            b"tamis:grey:" + _digest(network, sender, recipient)
            for recipient in recipients[: limits.GREYLISTED_RECIPIENTS]
        )
        times = [round(1000 * seconds) for seconds in (now.timestamp(), delay, retry, lifetime)]
        (found,) = self._redis.send([_SCRIPT.call(keys, [*times, enough, limits.GREYLIST_TRIPLETS])])
        if not isinstance(found, list) or len(found) != len(keys) - 1:
            return None
        return [int(wait) / 1000 for wait in found]


def _digest(*words: str) -> bytes:
    digest = hashlib.blake2b(digest_size=20)
    for word in words:
        piece = word.encode("utf-8", "surrogatepass")
        digest.update(len(piece).to_bytes(4, "big") + piece)
    return digest.digest()
