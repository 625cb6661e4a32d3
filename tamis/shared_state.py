"""What all machines remember together in Redis, and may lose at any moment, beside cached answers."""

from dataclasses import dataclass

from tamis.counters import Counters
from tamis.greylist import Greylist
from tamis.redis_client import RedisClient


@dataclass(frozen=True, slots=True)
class SharedState:
    """What filters may ask of it, by subject."""

    counters: Counters
    greylist: Greylist


def shared_state(redis: RedisClient) -> SharedState:
    """Return what that server remembers."""
    return SharedState(Counters(redis), Greylist(redis))
