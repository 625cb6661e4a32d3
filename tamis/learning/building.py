"""Counts made of the journal, for the platform and for each recipient domain; and a digest of what was learned."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tamis.learning.contradiction import reporters_of_much, tempered
from tamis.learning.journal import Entry, Reading
from tamis.learning.published import PLATFORM
from tamis.learning.teaching import Source, unpacked
from tamis.learning.weighing import UNITS, Rules, weigh
from tamis.models.features import FEATURES, VIEWS, Indices, split_views
from tamis.models.sparse import SparseCounts

_SHARED: Final = (Source.RECIPIENT, Source.RELEASE)
"""Whose words about one domain's mail the platform may learn, too."""
_FEW: Final = 500
"""Messages whose features are put together; those of more are looked for among all features."""


class _Counts:
    """Counts in the making, in whole `UNITS`: whatever is added in whatever order gives the same."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int32] = np.zeros((2, FEATURES), dtype=np.int32)
        self._messages: NDArray[np.int64] = np.zeros((len(VIEWS), 2), dtype=np.int64)
        self._touched: list[Indices] = []

    def add(self, indices: Indices, spam: bool, units: int) -> None:
        self._counts[int(spam), indices] += units
        if len(self._touched) <= _FEW:
            self._touched.append(indices)
        for view, part in enumerate(split_views(indices)):
            if len(part):
                self._messages[view, int(spam)] += units

    def take(self) -> SparseCounts:
        """Return what was added, and begin anew."""
        if len(self._touched) > _FEW:
            known = np.flatnonzero(self._counts.any(axis=0)).astype(np.uint32)
        else:
            known = np.unique(np.concatenate([np.empty(0, dtype=np.uint32), *self._touched]))
        counts = (self._counts[:, known] / np.float64(UNITS)).astype(np.float32)
        made = SparseCounts(known, counts, self._messages / UNITS)
        self._counts[:, known] = 0
        self._messages[:] = 0
        self._touched.clear()
        return made


def for_platform(
    reading: Reading, entries: Iterable[Entry], today: date, rules: Rules, recipients_teach_all: bool
) -> dict[int, int]:
    """Return what each row that the platform learns weighs, in `UNITS`, by id.

    `recipients_teach_all`: what recipients say, and releases, the platform learns as well as their domains.
    """
    for_all = [entry for entry in entries if not entry.domain or (recipients_teach_all and entry.source in _SHARED)]
    weights = weigh(for_all, today, rules)
    if looked_at := reporters_of_much(for_all, weights):
        weights = tempered(for_all, weights, reading.features(), looked_at)
    return {id: units for id, units in weights.items() if units}


def lessons_of(entries: Sequence[Entry], weights: Mapping[int, int]) -> str:
    """Return a digest of what the platform learned: the same for the same messages with the same weights.

    Row ids are no part of it: a journal from which rows were removed is one that never had them.
    """
    learned = sorted((one.digest, one.spam, weights[one.id]) for one in entries if one.id in weights)
    return blake2b(msgspec.json.encode(learned), digest_size=8).hexdigest()


def build(
    reading: Reading, today: date, rules: Rules, recipients_teach_all: bool
) -> tuple[dict[str, SparseCounts], str]:
    """Return the counts of the platform and of each domain that has learned anything, and `lessons_of` the platform."""
    entries = reading.entries()
    by_id = {entry.id: entry for entry in entries}
    platform_weights = for_platform(reading, entries, today, rules, recipients_teach_all)
    domain_weights = _by_domain(entries, today, rules)
    platform, domain_counts = _Counts(), _Counts()
    made: dict[str, SparseCounts] = {}
    current = PLATFORM
    for id, data in reading.features():
        # Others may have written between the two questions: then the counts are made again.
        entry = by_id.get(id)
        if entry is None or not (id in platform_weights or id in domain_weights):
            continue
        if entry.domain != current:
            _keep(made, current, domain_counts)
            current = entry.domain
        indices = unpacked(data)
        if id in platform_weights:
            platform.add(indices, entry.spam, platform_weights[id])
        if id in domain_weights:
            domain_counts.add(indices, entry.spam, domain_weights[id])
    _keep(made, current, domain_counts)
    return {PLATFORM: platform.take(), **made}, lessons_of(entries, platform_weights)


def _by_domain(entries: Iterable[Entry], today: date, rules: Rules) -> Mapping[int, int]:
    by_domain: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.domain:
            by_domain[entry.domain].append(entry)
    weights: dict[int, int] = {}
    for said in by_domain.values():
        weights |= weigh(said, today, rules)
    return weights


def _keep(made: dict[str, SparseCounts], domain: str, counts: _Counts) -> None:
    if domain:
        made[domain] = counts.take()
