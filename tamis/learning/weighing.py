"""What each row of the journal counts for: how old it is, who says it, how much else they say, and who contradicts.

A pure function of the rows, the settings and the day, so that all machines count alike, and what is undone is as if it
had never been. The guards, in the order in which they act:

1. of what one reporter said of one message for one domain, the last word counts;
2. old words weigh less: half after the half-life, in steps of a quarter of it; after four half-lives nothing;
3. the word of a person weighs 1, of a trap 1/2, of what was learned without anybody 1/4;
4. what one reporter says in a day weighs at most so many messages, and all of it at most so many, or a quarter of what
   all others say, whichever is more. Administrators are not bounded, traps only by the day;
5. of one message only the words of the most believed count (administrators; recipients and releases; traps; what was
   learned by itself), and those who agree count once. Where equals contradict each other, both count;
6. of two classes the one with more weighs at most four times the other and 50 messages: who teaches spam alone would
   otherwise make spam of every word that is only new.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from tamis.learning.journal import Entry
from tamis.learning.teaching import Source

UNITS: Final = 1024
"""Weights are whole numbers of 1/1024 of a message: sums are exact, in whatever order they are made."""
HALF_LIVES: Final = 4
"""After so many half-lives a word counts for nothing, and is forgotten."""
_STEPS: Final = 4
"""Steps of decay in a half-life."""
_SHARE: Final = 0.25
"""What one reporter may weigh of what all others do."""
_TIMES: Final = 4.0
_FREE: Final = 50.0
"""What the class with more may weigh: so many times the other, and so many messages."""
_WEIGHT: Final = {
    Source.ADMINISTRATOR: 1.0,
    Source.RECIPIENT: 1.0,
    Source.RELEASE: 1.0,
    Source.TRAP: 0.5,
    Source.SELF: 0.25,
}
_TRAPS_A_DAY: Final = 100.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What the site has set."""

    half_life_days: int
    reporter_day: float
    """What one reporter says in a day weighs at most so many messages."""
    reporter_total: float
    """The same of all they ever say, or a share of what all others do, whichever is more."""

    @property
    def days(self) -> int:
        """How long a row counts."""
        return HALF_LIVES * self.half_life_days

    def fresh(self, age_days: int) -> float:
        """Return what is left of a word of that age."""
        if age_days >= self.days:
            return 0.0
        step = max(1, self.half_life_days // _STEPS)
        return float(2.0 ** (-(max(0, age_days) // step) * step / self.half_life_days))


def weigh(entries: Iterable[Entry], today: date, rules: Rules) -> dict[int, int]:
    """Return the weight of each row that counts, in `UNITS`; the rows are of one scope, the oldest first."""
    last = {(entry.by, entry.domain, entry.digest): entry for entry in entries}
    rows = sorted(last.values(), key=lambda entry: entry.id)
    weights = {row.id: _WEIGHT[row.source] * rules.fresh((today - row.day).days) for row in rows}
    _bound_days(rows, weights, rules)
    _bound_reporters(rows, weights, rules)
    rows = [row for row in _believed(rows) if weights[row.id]]
    rows = _once(rows, weights)
    _balance(rows, weights)
    whole = {row.id: int(weights[row.id] * UNITS) for row in rows}
    return {id: units for id, units in whole.items() if units}


def _bound_days(rows: Sequence[Entry], weights: dict[int, float], rules: Rules) -> None:
    by_day: dict[tuple[str, date], list[Entry]] = defaultdict(list)
    for row in rows:
        if row.source is not Source.ADMINISTRATOR:
            by_day[row.by, row.day].append(row)
    for said in by_day.values():
        fresh = sum(_WEIGHT[row.source] for row in said)
        most = _TRAPS_A_DAY if said[0].source is Source.TRAP else rules.reporter_day
        _scale(said, weights, most / fresh)


def _bound_reporters(rows: Sequence[Entry], weights: dict[int, float], rules: Rules) -> None:
    by_reporter: dict[str, list[Entry]] = defaultdict(list)
    for row in rows:
        if row.source not in (Source.ADMINISTRATOR, Source.TRAP):
            by_reporter[row.by].append(row)
    everything = sum(weights[row.id] for row in rows)
    said = {by: sum(weights[row.id] for row in theirs) for by, theirs in by_reporter.items()}
    for by, theirs in by_reporter.items():
        if said[by]:
            _scale(theirs, weights, max(rules.reporter_total, _SHARE * (everything - said[by])) / said[by])


def _scale(rows: Iterable[Entry], weights: dict[int, float], factor: float) -> None:
    if factor < 1.0:
        for row in rows:
            weights[row.id] *= factor


def _believed(rows: Sequence[Entry]) -> list[Entry]:
    """Return the rows of the most believed who speak of each message."""
    best: dict[str, int] = {}
    for row in rows:
        best[row.digest] = min(best.get(row.digest, row.source.authority), row.source.authority)
    return [row for row in rows if row.source.authority == best[row.digest]]


def _once(rows: Sequence[Entry], weights: dict[int, float]) -> list[Entry]:
    """Return one row for each message and what it is said to be: the one with the most weight."""
    heaviest: dict[tuple[str, bool], Entry] = {}
    for row in rows:
        other = heaviest.get((row.digest, row.spam))
        if other is None or weights[row.id] > weights[other.id]:
            heaviest[row.digest, row.spam] = row
    return list(heaviest.values())


def _balance(rows: Sequence[Entry], weights: dict[int, float]) -> None:
    total = {spam: sum(weights[row.id] for row in rows if row.spam is spam) for spam in (False, True)}
    for spam, weight in total.items():
        if weight:
            _scale([row for row in rows if row.spam is spam], weights, (_TIMES * total[not spam] + _FREE) / weight)
