"""What a policy makes of the documented order, found out once for each policy and not again with each message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tamis.contract import Filter, FilterOptions
from tamis.filters.order import POSITION, Judgement, Row
from tamis.policy import Policy


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """A row with options: one object for all policies that have the same, so that none needs to be compared again.

    `position` is that of the row in the order; `caches`, `lasts` and `starts` say whether its filter does anything in
    its methods for that; most do not, and those are not called.
    """

    row: Row
    options: FilterOptions
    filter: Filter
    position: int
    caches: bool
    lasts: bool
    starts: bool


@lru_cache(maxsize=1 << 16)
def _asking(row: Row, options: FilterOptions, instance: Filter) -> Asking:
    kind = type(instance)
    caches = kind.cache_key is not Filter.cache_key or kind.site_cache_key is not Filter.site_cache_key
    lasts, starts = kind.lasting_key is not Filter.lasting_key, kind.start is not Filter.start
    return Asking(row, options, instance, POSITION[row.name], caches, lasts, starts)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The rows that are built, each with a policy's options, in their order.

    `askings` has all of them by name, on or off; `asked` are those that are on; `scored` those whose hits are
    evidence for the score, with None for one that is off, which is printed; `judged` those that may decide,
    `malware` those of them that look for malware.
    """

    order: Sequence[Row]
    askings: Mapping[str, Asking]
    asked: tuple[Asking, ...]
    scored: tuple[tuple[Row, Asking | None], ...]
    judged: tuple[Asking, ...]
    malware: tuple[Asking, ...]


def plan(policy: Policy, order: Sequence[Row], filters: Mapping[str, Filter]) -> Plan:
    """Return what a policy makes of the rows of an order, with the filters of their names."""
    askings = {
        row.name: _asking(row, policy.options[row.name], filters[row.name]) for row in order if row.filter is not None
    }
    asked = tuple(asking for asking in askings.values() if policy.enabled[asking.row.name])
    scored: list[tuple[Row, Asking | None]] = []
    for asking in askings.values():
        row = asking.row
        if row.filter is None or not row.filter.scores:
            continue
        if not policy.enabled[row.name]:
            scored.append((row, None))
        elif filters[row.name].scores_with(asking.options):
            scored.append((row, asking))
    judged = tuple(one for one in asked if one.row.judgement is not Judgement.NONE and policy.judges(one.row))
    malware = tuple(one for one in judged if one.row.judgement is Judgement.MALWARE)
    return Plan(order, askings, asked, tuple(scored), judged, malware)
