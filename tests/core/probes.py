"""Filters that do as they are told, and a cache that counts: for tests of what asks filters."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tamis.answers import Answers
from tamis.contract import Context, Filter, Hit, Stage
from tamis.mail import Mail
from tamis.redis_client import RedisClient, RoundTrip

DECIDES = Hit("PROBE", "because", True)


class Probe(Filter):
    """A filter that does as it is told, and remembers on whose behalf it was asked."""

    stage = Stage.MESSAGE
    tests = {"PROBE": "a probe"}

    def __init__(self, *said: Hit | Exception) -> None:
        self._said = said
        self.asked: list[Sequence[str]] = []

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        self.asked.append(tuple(ctx.recipients))
        for piece in self._said:
            if isinstance(piece, Exception):
                raise piece
            yield piece


class ScoringProbe(Probe):
    scores = True


class CachedProbe(Probe):
    scores = True
    uses_model = True

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest


class Memory(Answers):
    """A cache in memory that counts its round trips."""

    def __init__(self) -> None:
        super().__init__(RedisClient())
        self.known: dict[bytes, bytes] = {}
        self.fetched: list[int] = []
        self.stored: list[int] = []

    def fetch(self, keys: Sequence[bytes], trip: RoundTrip | None = None) -> list[bytes | None]:
        if trip:
            trip.go()
        self.fetched.append(len(keys))
        return [self.known.get(key) for key in keys]

    def remember(self, answers: Any) -> None:
        self.stored.append(len(answers))
        self.known.update(answers)


Place = Callable[..., None]
"""Puts filters in the rows of those names: ``place(spf=Probe())``."""
