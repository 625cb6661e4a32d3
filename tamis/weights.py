"""The weights of senders as row 7 asks them: from the file that the keeper writes for workers, or from the database."""

import os
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy.exc import SQLAlchemyError

from tamis.changed_file import FileStamp, file_stamp
from tamis.config import Config
from tamis.contract import Abstain
from tamis.database import first_line
from tamis.sender_weights import Weight, decode
from tamis.snapshot import StoredLists, weights_path

LIST: Final = "sender_weight"
COMPLAINED_OF: Final = "complained_of"
"""The two lists in that file, which is a snapshot as that of the lists (`tamis.snapshot`): what senders have earned,
and when organisational domains were complained of last, in seconds since 1970."""


class Weights(Protocol):
    """Says what was learned of a sender with a recipient domain; both normalised."""

    half_life_days: float

    def find(self, domain: str, sender: str) -> Weight | None:
        """Return what was learned, None where nothing was."""
        ...

    def complained_of(self, organisation: str, since: datetime) -> bool:
        """Whether anybody complained of an organisational domain, or of a sender of it, since a moment."""
        ...


class WeightSource(Protocol):
    """Says what the weights are."""

    def fresh(self) -> Weights | None:
        """Return the weights, None while they are what they were. Raises SQLAlchemyError, OSError or ValueError."""
        ...


def points_of(weights: Weights, domain: str, sender: str, now: datetime) -> tuple[float, str]:
    """Return the points that are left of what a sender has earned, and by what it earned them, in words."""
    found = weights.find(domain, sender)
    return (found.at_time(now, weights.half_life_days), found.why) if found else (0.0, "")


class MappedWeights:
    """Those in the keeper's file."""

    def __init__(self, stored: StoredLists, half_life_days: float) -> None:
        self._stored = stored
        self.half_life_days = half_life_days

    def find(self, domain: str, sender: str) -> Weight | None:
        text = self._stored.source_of(LIST, domain, sender)
        return decode(text) if text is not None else None

    def complained_of(self, organisation: str, since: datetime) -> bool:
        text = self._stored.source_of(COMPLAINED_OF, "", organisation)
        return text is not None and float(text) >= since.timestamp()


class MappedWeightSource:
    """The weights as the keeper has last written them, in memory that all workers share."""

    def __init__(self, config: Config) -> None:
        self._path = weights_path(config)
        self._half_life = config.settings.autowhitelist.half_life_days
        self._looked_at: FileStamp | None = None

    def fresh(self) -> Weights | None:
        with self._path.open("rb") as file:
            stamp = file_stamp(os.fstat(file.fileno()))
            if stamp == self._looked_at:
                return None
            self._looked_at = stamp  # A bad file is not read again and again, either.
            return MappedWeights(StoredLists(file), self._half_life)


class DatabaseWeights:
    """The weights as they are in the database when they are asked for: for commands, which look at few messages."""

    def __init__(self, config: Config) -> None:
        from tamis.weight_store import WeightStore

        self.half_life_days = config.settings.autowhitelist.half_life_days
        self._store = WeightStore(config.database_url, self.half_life_days)
        self._new = True

    def fresh(self) -> Weights | None:
        new, self._new = self._new, False
        return self if new else None

    def find(self, domain: str, sender: str) -> Weight | None:
        try:
            return self._store.find(domain, sender)
        except (SQLAlchemyError, OSError) as error:
            raise _unread(error) from error

    def complained_of(self, organisation: str, since: datetime) -> bool:
        try:
            last = self._store.complaints().get(organisation)
        except (SQLAlchemyError, OSError) as error:
            raise _unread(error) from error
        return last is not None and last >= since


def _unread(error: Exception) -> Abstain:
    return Abstain(f"what was learned of senders cannot be read: {first_line(error)}")
