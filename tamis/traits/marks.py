"""Forms of writing that tests ask for, all looked for in one pass of RE2 over the text, in linear time."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Final

import re2

from tamis import limits


def read_toml(name: str) -> dict[str, Any]:
    """Return one of the files beside this one."""
    with resources.files(__package__).joinpath(name).open("rb") as file:
        return tomllib.load(file)


_TOGETHER: Final = 8
"""Patterns in one automaton: a few more make it many times as large and slow, one for each costs a pass for each."""


class Patterns:
    """Regular expressions that are looked for together."""

    def __init__(self, patterns: Mapping[str, str], together: int = _TOGETHER) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = limits.TRAIT_PATTERN_BYTES
        names = tuple(patterns)
        self._sets: list[tuple[re2.Set, tuple[str, ...]]] = []
        for start in range(0, len(names), together):
            some = names[start : start + together]
            automaton = re2.Set.SearchSet(options)
            for name in some:
                automaton.Add(patterns[name])
            automaton.Compile()
            self._sets.append((automaton, some))

    def found(self, octets: bytes) -> frozenset[str]:
        """Return the names of those that match, in UTF-8."""
        return frozenset([names[number] for automaton, names in self._sets for number in automaton.Match(octets) or ()])


def words(pairs: Iterable[tuple[str, str]]) -> Patterns:
    """Return patterns that look for plain words; a name may stand by several."""
    by_name: dict[str, list[str]] = {}
    for name, word in pairs:
        by_name.setdefault(name, []).append(re.escape(word))
    return Patterns({name: "|".join(found) for name, found in by_name.items()}, _WORDS_TOGETHER)


_WORDS_TOGETHER: Final = 40
MARKS: Final = Patterns(read_toml("marks.toml"))
"""By name: a test, or what a family looks at more closely where it is there."""
