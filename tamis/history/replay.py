"""What decisions would have been under a changed policy, from what the history keeps of them: nothing is asked again.

What a row would have said that was not asked is not known: rows behind the one that decided, and rows that were off.
Where such a row might have changed the verdict, the outcome is `certain` no more.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tamis.filters.order import BY_NAME, ORDER, POSITION, Judgement, Row
from tamis.history.decided import HAM, MALWARE, SPAM, Decided, Said, Share, domain_key
from tamis.record import points

_ACTIONS: Final = {"quarantine": "hold", "tag": "tag", "junk": "junk", "observe": "observe"}
_PASSES: Final = (Judgement.LETS_THROUGH, Judgement.EXCEPTION)
_NEVER_OFF: Final = 10**9


@dataclass(frozen=True, slots=True)
class Changed:
    """What of the policy is another: the level, the mode, rows that are off. None and empty: as it was."""

    level: float | None = None
    mode: str | None = None
    off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would have become of a share. `certain`: no row that was not asked could have changed the verdict."""

    verdict: str
    action: str
    row: str
    because: str
    score: int
    certain: bool = True


@dataclass(slots=True)
class Difference:
    """How often one verdict and action would have been another; some decisions as examples."""

    number: int = 0
    examples: list[tuple[Decided, Share, Outcome]] = field(default_factory=list)


@dataclass(slots=True)
class Replayed:
    """The sum of many. Recipients are counted; `uncertain` are those whose outcome is not certain."""

    recipients: int = 0
    uncertain: int = 0
    before: Counter[tuple[str, str]] = field(default_factory=Counter)
    after: Counter[tuple[str, str]] = field(default_factory=Counter)
    differences: dict[tuple[str, str, str, str], Difference] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """Recipients of whom something would have been different."""
        return sum(one.number for one in self.differences.values())


def replay_all(decisions: Iterable[Decided], changed: Changed, examples: int = 20) -> Replayed:
    """Return what all decisions with a verdict would have been; of each difference some examples."""
    result = Replayed()
    for one in decisions:
        for share in one.shares:
            if share.verdict not in (HAM, SPAM, MALWARE) or not share.mode or not share.recipients:
                continue
            outcome, number = replay(one, share, changed), len(share.recipients)
            result.recipients += number
            result.uncertain += 0 if outcome.certain else number
            result.before[share.verdict, share.action] += number
            result.after[outcome.verdict, outcome.action] += number
            kind = (share.verdict, share.action, outcome.verdict, outcome.action)
            if kind[:2] != kind[2:]:
                difference = result.differences.setdefault(kind, Difference())
                difference.number += number
                if len(difference.examples) < examples:
                    difference.examples.append((one, share, outcome))
    return result


def replay(one: Decided, share: Share, changed: Changed) -> Outcome:
    """Return what would have become of a share: the walk of `tamis.examination` over what is known."""
    score = _score(one, share, changed)
    level = share.level if changed.level is None else changed.level
    mode = share.mode if changed.mode is None else changed.mode
    known = {row.name: row for row in one.rows}
    end = _end(share)
    passed: str | None = None
    unknown: list[Row] = []
    for row in ORDER:
        if row.filter is None or row.judgement in (Judgement.NONE, Judgement.REFUSED_FOR_NOW):
            continue
        if row.name in changed.off or (passed is not None and row.judgement is not Judgement.MALWARE):
            continue
        if row.by_score:
            if score >= round(1000 * level):
                text = f"score {points(score)} reaches the level {level:g}"
                return _decided(one, share, row, "", text, score, mode, unknown)
            continue
        if row.name not in known:
            if POSITION[row.name] > end:
                unknown.append(row)
            continue
        found = _ground(known[row.name].hits, share, score, level)
        if found is None:
            continue
        hit, ground = found
        if row.judgement in _PASSES:
            passed = hit.test
            continue
        return _decided(one, share, row, hit.test, ground, score, mode, unknown)
    relevant = [row for row in unknown if passed is None or row.judgement is Judgement.MALWARE]
    # Of what was let through before, rows about malware were asked.
    return Outcome(HAM, "deliver", "", "", score, certain=not relevant)


def _score(one: Decided, share: Share, changed: Changed) -> int:
    """The score without the tests of rows that are off."""
    gone = {hit.test for row in one.rows if row.name in changed.off for hit in row.hits}
    kept = {hit.test for row in one.rows if row.name not in changed.off for hit in row.hits}
    return sum(weight for name, weight in share.tests if name not in gone or name in kept)


def _end(share: Share) -> int:
    """How far the walk went: to the row that decided or let through."""
    return POSITION[share.name] if share.name in BY_NAME else _NEVER_OFF


def _ground(hits: Iterable[Said], share: Share, score: int, level: float) -> tuple[Said, str] | None:
    for hit in hits:
        if not _applies(hit, share):
            continue
        if hit.decides:
            return hit, hit.because
        if hit.share is not None and score >= round(1000 * hit.share * level):
            return hit, f"{hit.because}; score {points(score)}"
    return None


def _decided(
    one: Decided, share: Share, row: Row, test: str, because: str, score: int, mode: str, unknown: list[Row]
) -> Outcome:
    malware = _is_malware(row, test) or any(
        _is_malware(BY_NAME[asked.name], hit.test)
        for asked in one.rows
        if asked.name in BY_NAME and POSITION[asked.name] > POSITION[row.name]
        for hit in asked.hits
        if hit.decides and _applies(hit, share)
    )
    held = (row.always_held and test not in row.spam_tests) or malware or share.recipients[0] in one.traps
    action = "hold" if held and mode != "observe" else _ACTIONS.get(mode, "hold")
    certain = not any(other.judgement in _PASSES for other in unknown)
    return Outcome(MALWARE if malware else SPAM, action, row.number, because, score, certain)


def _is_malware(row: Row, test: str) -> bool:
    return row.judgement is Judgement.MALWARE and test not in row.spam_tests


def _applies(hit: Said, share: Share) -> bool:
    recipient = share.recipients[0]
    return hit.recipient in ("", recipient) and hit.domain in ("", domain_key(recipient))
