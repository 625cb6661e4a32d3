"""Patterns that are looked for together: one pass finds the words that they need, and those of which none lacks run.

Aho-Corasick (ahocorasick_rs) finds all words at once. A pattern is not run where none of a set that it needs is there.
Where its matches have a bound on their length it is run only around the words of its rarest set: each match holds one
of them, so the first match there is the first of the text. RE2 knows the text beyond both ends of such a window, so
`\\b`, `^` and `$` mean the same.
"""

from collections.abc import Container, Iterable, Iterator
from typing import Final, NamedTuple

import re2
from ahocorasick_rs import BytesAhoCorasick, Implementation

from tamis import limits
from tamis.rules import patterns
from tamis.rules.folding import Keep
from tamis.rules.needs import Needs, Words, needs
from tamis.rules.spots import Plan, Spots

_PIECE: Final = 1 << 15
"""Octets that are looked at at once: what is found is a list, which hostile text makes long."""


class Pattern(NamedTuple):
    """A pattern, compiled, and what it needs."""

    regexp: "re2.Pattern"
    needs: Needs


def compiled(pattern: str, keep: Keep) -> Pattern:
    """Return a pattern that `patterns.check` has passed, ready to be found."""
    return Pattern(re2.compile(pattern, patterns.options(keep)), needs(pattern, keep))


class _Wanted(NamedTuple):
    owner: str
    regexp: "re2.Pattern"
    sets: list[int]
    """What it needs, by number."""
    needs: Needs


class Finder:
    """Patterns of one folding, each with the rule it is of. It never changes; any thread may ask it."""

    def __init__(self, found: Iterable[tuple[Pattern, str]]) -> None:
        """Take patterns and the names of their rules."""
        sets: dict[Words, int] = {}
        words: dict[str, list[int]] = {}
        self._wanted: list[_Wanted] = []
        for pattern, owner in found:
            numbers = []
            for one in pattern.needs.sets if len(words) < limits.RULE_WORDS else ():
                if one not in sets:
                    sets[one] = len(sets)
                    for word in sorted(one):
                        words.setdefault(word, []).append(sets[one])
                numbers.append(sets[one])
            self._wanted.append(_Wanted(owner, pattern.regexp, numbers, pattern.needs))
        lengths: list[tuple[int, int] | None] = [one.needs.length for one in self._wanted]
        others = [[(place, [*map(str.encode, some)]) for place, some in one.needs.others] for one in self._wanted]
        self._plan = Plan(list(words.values()), [one.sets for one in self._wanted], lengths, others)
        encoded = [word.encode() for word in words]
        self._overlap = max(map(len, encoded), default=1) - 1
        self._words = BytesAhoCorasick(encoded, implementation=Implementation.ContiguousNFA)

    def without_words(self) -> set[str]:
        """Return the rules with a pattern that needs no word, so that it is run over every text."""
        return {one.owner for one in self._wanted if not one.sets}

    def search(self, text: bytes, skip: Container[str]) -> Iterator[tuple[str, int, int]]:
        """Yield rules of which a pattern matches, and the first match of the first such pattern: its start and its end.

        What comes into `skip` in the meantime is not run any more.
        """
        spots = Spots(self._plan, text)
        for first in range(0, len(text), _PIECE):
            piece = text[first : first + _PIECE + self._overlap] if len(text) > _PIECE else text
            spots.add(self._words.find_matches_as_indexes(piece, overlapping=True), first, _PIECE)
        for index in spots.possible():
            one = self._wanted[index]
            if one.owner in skip:
                continue
            for start, end in spots.windows(index):
                found = one.regexp.search(text, start, end)
                if found is not None:
                    yield one.owner, found.start(), found.end()
                    break
