"""How much a sender has earned with a recipient domain: what counts, by how much, and how it fades (SPEC, row 7).

A weight halves with every half-life, so that what was learned long ago no longer lets anything through. It stays
between two bounds: many events weigh no more than a few, and one complaint can always be felt.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

HALF_LIFE_DAYS: Final = 90.0
MOST: Final = 4.0
"""No weight is above this, and none below its negative."""
FORGOTTEN_AFTER: Final = 7.0
"""Half-lives after which even the largest weight is next to nothing (0.03)."""
_DAY_SECONDS: Final = 86_400.0
_START: Final = datetime(1970, 1, 1)


class Event(enum.StrEnum):
    """What changes the weight of a sender."""

    VALIDATION = "validation"
    """The sender proved on the page of a notice to be a person (+)."""
    RELEASE = "release"
    """The recipient, or an administrator, had a held message of the sender delivered (++)."""
    SENT = "sent"
    """Somebody of the domain wrote to it, and no report of failure came (+)."""
    COMPLAINT = "complaint"
    """Somebody complained of it (--)."""

    @property
    def points(self) -> float:
        return _POINTS[self]

    @property
    def column(self) -> str:
        """The column that counts it."""
        return self.value if self is Event.SENT else f"{self.value}s"


_POINTS: Final[Mapping[Event, float]] = {
    Event.VALIDATION: 1.0,
    Event.RELEASE: 2.0,
    Event.SENT: 1.0,
    Event.COMPLAINT: -2.0,
}
_WORDS: Final[Mapping[Event, tuple[str, str]]] = {
    Event.VALIDATION: ("1 validation", "{} validations"),
    Event.RELEASE: ("1 release", "{} releases"),
    Event.SENT: ("1 message to it", "{} messages to it"),
    Event.COMPLAINT: ("1 complaint", "{} complaints"),
}


@dataclass(frozen=True, slots=True)
class Weight:
    """What a sender had earned at a moment, and by what."""

    points: float
    at: datetime
    counts: Mapping[Event, int]

    def at_time(self, now: datetime, half_life_days: float) -> float:
        """Return what is left of it. A clock that was set back makes nothing larger."""
        return self.points * faded(self.at, now, half_life_days)

    @property
    def why(self) -> str:
        """What it comes from, in words: ``2 releases, 1 complaint``."""
        words = ((_WORDS[event], number) for event, number in self.counts.items() if number > 0)
        return ", ".join(one if number == 1 else many.format(number) for (one, many), number in words)


def faded(since: datetime, now: datetime, half_life_days: float) -> float:
    """Return which share is left of what was learned at a moment."""
    half_lives = max(0.0, (now - since).total_seconds()) / (half_life_days * _DAY_SECONDS)
    return float(0.5**half_lives)


def bounded(points: float) -> float:
    return max(-MOST, min(MOST, points))


def encode(points: float, at: datetime, counts: Iterable[int]) -> str:
    """Return a weight as text, for the file that workers map; `at` is UTC without saying so, as in the database."""
    return f"{points:.6g} {(at - _START).total_seconds():.3f} {' '.join(map(str, counts))}"


def decode(text: str) -> Weight | None:
    """Return what `encode` has written, None for anything else."""
    words = text.split(" ")
    try:
        points, at = float(words[0]), datetime.fromtimestamp(float(words[1]), UTC)
        counts = {event: int(word) for event, word in zip(Event, words[2:], strict=True)}
    except (ValueError, IndexError, OverflowError, OSError):
        return None
    return Weight(points, at, counts)
