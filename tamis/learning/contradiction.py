"""The last guard: one reporter does not turn what all other people say of a kind of message.

A bound on weight alone would not do: twenty messages against sixty take a score from 17 points to 4. So each lesson of
whoever says much is held against the words that the lessons of the others have taught. Where at least half of its
words stand, by far, for the opposite, it contradicts them; and all such lessons of one reporter weigh together half a
message at most, or a twentieth of what the others said to the contrary, whichever is more. What traps, or the model,
believe may be contradicted by anybody.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.learning.journal import Entry
from tamis.learning.teaching import Source, unpacked
from tamis.learning.weighing import UNITS
from tamis.models.features import FEATURES, Indices, body_only

_PEOPLE: Final = (Source.ADMINISTRATOR, Source.RECIPIENT, Source.RELEASE)
_BOUNDED: Final = (Source.RECIPIENT, Source.RELEASE, Source.SELF)
_MUCH: Final = 2 * UNITS
"""Whose words weigh no more than two messages is not looked at."""
_HALF: Final = 0.5
_BY_FAR: Final = 4.0
_SHARE: Final = 20


def reporters_of_much(entries: Iterable[Entry], weights: Mapping[int, int]) -> set[str]:
    """Return who says so much that it is to be held against what others say."""
    said: dict[str, int] = defaultdict(int)
    for entry in entries:
        if entry.source in _BOUNDED:
            said[entry.by] += weights.get(entry.id, 0)
    return {by for by, units in said.items() if units > _MUCH}


def tempered(
    entries: Sequence[Entry], weights: Mapping[int, int], rows: Iterable[tuple[int, bytes]], looked_at: set[str]
) -> dict[int, int]:
    """Return the weights with this guard; `rows` are all rows of the journal with their features, in any order."""
    by_id = {entry.id: entry for entry in entries if entry.id in weights}
    people = _People()
    theirs: dict[str, list[tuple[Entry, bytes]]] = defaultdict(list)
    for id, data in rows:
        entry = by_id.get(id)
        if entry is None:
            continue
        if entry.source in _PEOPLE:
            people.add(entry, _words(data), weights[id])
        if entry.by in looked_at and entry.source in _BOUNDED:
            theirs[entry.by].append((entry, data))
    found = dict(weights)
    for lessons in theirs.values():
        _temper(people, [(entry, _words(data)) for entry, data in lessons], found)
    return found


def _words(data: bytes) -> Indices:
    """Return the features of a message's body: those of its header are alike in all mail of a site."""
    return body_only(unpacked(data))


class _People:
    """What all people say of each feature, in `UNITS`."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int32] = np.zeros((2, FEATURES), dtype=np.int32)
        self._mass = [0, 0]
        self.weight = [0, 0]

    def add(self, entry: Entry, indices: Indices, units: int) -> None:
        """Add a lesson; negative `units` take it out again."""
        label = int(entry.spam)
        self._counts[label, indices] += units
        self._mass[label] += units * len(indices)
        self.weight[label] += units

    def contradict(self, entry: Entry, indices: Indices) -> bool:
        """Whether a lesson says the opposite of what they say."""
        if not len(indices):
            return False
        same, opposite = int(entry.spam), int(not entry.spam)
        # Of two classes of which one is taught oftener, its words are seen oftener, whatever they stand for.
        factor = self._mass[opposite] / self._mass[same] if self._mass[same] else 1.0
        against = self._counts[opposite, indices] >= _BY_FAR * factor * self._counts[same, indices] + UNITS
        return float(np.mean(against)) >= _HALF


def _temper(people: _People, lessons: Sequence[tuple[Entry, Indices]], weights: dict[int, int]) -> None:
    """Bound what one reporter says against all others, who are judged by as if the reporter had said nothing."""
    counted = [(entry, indices, weights[entry.id]) for entry, indices in lessons if entry.source in _PEOPLE]
    for entry, indices, units in counted:
        people.add(entry, indices, -units)
    for label in (False, True):
        against = [one.id for one, indices in lessons if one.spam is label and people.contradict(one, indices)]
        most, said = max(UNITS // 2, people.weight[int(not label)] // _SHARE), sum(weights[id] for id in against)
        if said > most:
            for id in against:
                weights[id] = weights[id] * most // said
    for entry, indices, units in counted:
        people.add(entry, indices, units)
