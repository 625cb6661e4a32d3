"""What all machines remember together in Redis, and may lose at any moment, beside cached answers."""

from dataclasses import dataclass

from tamis.bans import Bans
from tamis.counters import Counters
from tamis.greylist import Greylist
from tamis.ham_counts import HamCounts
from tamis.redis_client import RedisClient
from tamis.sent_ids import SentIds


@dataclass(frozen=True, slots=True)
class SharedState:
    """What may be asked of it, by subject."""

    counters: Counters
    greylist: Greylist
    bans: Bans
    ham: HamCounts
    sent: SentIds


def shared_state(redis: RedisClient, ham_days: int = 7, sent_days: int = 10) -> SharedState:
    """Return what that server remembers."""
    return SharedState(
        Counters(redis), Greylist(redis), Bans(redis), HamCounts(redis, ham_days), SentIds(redis, sent_days)
    )
