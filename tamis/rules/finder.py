"""Patterns that are looked for together: one pass finds the words that they need, and those of which none lacks run.

Aho-Corasick (ahocorasick_rs) finds all words at once. A pattern is not run where none of a set that it needs is there.
Where its matches have a bound on their length it is run only around the words of its rarest set: each match holds one
of them, so the first match there is the first of the text. RE2 knows the text beyond both ends of such a window, so
`\\b`, `^` and `$` mean the same.
"""

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator
from operator import itemgetter
from typing import Final, NamedTuple

import re2
from ahocorasick_rs import BytesAhoCorasick, Implementation

from tamis import limits
from tamis.once import once
from tamis.rules import patterns
from tamis.rules.folding import Keep
from tamis.rules.needs import Length, Needs, Words, needs

_PIECE: Final = 1 << 15
"""Octets that are looked at at once: what is found is a list, which hostile text makes long."""
_CHARACTER: Final = 4
"""The most octets of a character in UTF-8."""
_SEARCH: Final = 500
"""Octets that RE2 reads in about the time that one search more takes."""

_FEW: Final = 16
"""Spots of a set that windows are made of whatever the length of the text."""

Spots = list[tuple[int, int, int]]
"""Where words of a set stand: the number of the word, and the offsets in octets of its start and its end."""


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
    sets: tuple[int, ...]
    """What it needs, by number."""
    length: Length | None


class Finder:
    """Patterns of one folding, each with the rule it is of. It never changes; any thread may ask it."""

    def __init__(self, found: Iterable[tuple[Pattern, str]]) -> None:
        """Take patterns and the names of their rules."""
        sets: dict[Words, int] = {}
        words: dict[str, list[int]] = {}
        self._wanted: list[_Wanted] = []
        self._needed_by: list[list[int]] = []
        """The patterns that need a set, by its number."""
        for pattern, owner in found:
            numbers = []
            for one in pattern.needs.sets if len(words) < limits.RULE_WORDS else ():
                if one not in sets:
                    sets[one] = len(sets)
                    self._needed_by.append([])
                    for word in sorted(one):
                        words.setdefault(word, []).append(sets[one])
                self._needed_by[sets[one]].append(len(self._wanted))
                numbers.append(sets[one])
            self._wanted.append(_Wanted(owner, pattern.regexp, tuple(numbers), pattern.needs.length))
        self._always = [index for index, one in enumerate(self._wanted) if not one.sets]
        self._sets_of = list(words.values())
        """The sets that hold a word, by its number."""
        encoded = [word.encode() for word in words]
        self._overlap = max(map(len, encoded), default=1) - 1
        self._words = BytesAhoCorasick(encoded, implementation=Implementation.ContiguousNFA)

    def without_words(self) -> set[str]:
        """Return the rules with a pattern that needs no word, so that it is run over every text."""
        return {self._wanted[index].owner for index in self._always}

    def search(self, text: bytes, skip: Container[str]) -> Iterator[tuple[str, int, int]]:
        """Yield rules of which a pattern matches, and the first match of the first such pattern: its start and its end.

        What comes into `skip` in the meantime is not run any more.
        """
        seen = _Seen(text, self._spots(text))
        counts: dict[int, int] = {}
        for number in seen.spots:
            for index in self._needed_by[number]:
                counts[index] = counts.get(index, 0) + 1
        possible = [index for index, count in counts.items() if count == len(self._wanted[index].sets)]
        for index in sorted(possible + self._always):
            one = self._wanted[index]
            if one.owner in skip:
                continue
            for start, end in seen.windows(one.sets, one.length):
                found = one.regexp.search(text, start, end)
                if found is not None:
                    yield one.owner, found.start(), found.end()
                    break

    def _spots(self, text: bytes) -> dict[int, Spots]:
        """Return where words of which sets stand. Those of one set are in order, by start as by end."""
        spots: dict[int, Spots] = {}
        for first in range(0, len(text), _PIECE):
            piece = text[first : first + _PIECE + self._overlap] if len(text) > _PIECE else text
            for spot in self._words.find_matches_as_indexes(piece, overlapping=True):
                word, start, end = spot
                if start >= _PIECE:
                    continue
                if first:
                    spot = word, first + start, first + end
                for number in self._sets_of[word]:
                    if number in spots:
                        spots[number].append(spot)
                    else:
                        spots[number] = [spot]
        return spots


class _Seen:
    """A text, and what was found in it."""

    def __init__(self, text: bytes, spots: dict[int, Spots]) -> None:
        self.spots = spots
        self._text = text

    @once
    def _character(self) -> int:
        return 1 if self._text.isascii() else _CHARACTER

    @once
    def _longest_run(self) -> int:
        return max(map(len, self._text.split()), default=0)

    def windows(self, sets: tuple[int, ...], length: Length | None) -> list[tuple[int, int]]:
        """Return where a pattern may match that needs those sets, all of which were found: all of it, or some parts.

        The parts are in order, and apart.
        """
        whole = [(0, len(self._text))]
        if length is None or not sets:
            return whole
        spots = [self.spots[number] for number in sets]
        rarest = min(range(len(sets)), key=lambda at: len(spots[at]))
        if len(spots[rarest]) > _FEW + len(self._text) // _SEARCH:
            return whole
        room = length.characters * self._character
        if length.runs:
            room += length.runs * self._longest_run
        windows: list[tuple[int, int]] = []
        for _, first, last in spots[rarest]:
            start, end = last - room, first + room
            before, behind = spots[:rarest], spots[rarest + 1 :]
            if all(_between(one, start, first) for one in before) and all(_between(one, last, end) for one in behind):
                start, end = max(0, start), min(len(self._text), end)
                if windows and start - windows[-1][1] <= _SEARCH:
                    windows[-1] = windows[-1][0], end
                else:
                    windows.append((start, end))
        return windows if sum(end - start + _SEARCH for start, end in windows) < len(self._text) + _SEARCH else whole


def _between(spots: Spots, start: int, end: int) -> bool:
    """Whether one of some spots may stand there."""
    at = bisect_left(spots, start, key=itemgetter(1))
    return at < len(spots) and spots[at][2] <= end
