"""Forms of writing that tests ask for, all looked for in one pass of RE2 over the text, in linear time."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from importlib import resources
from typing import Any, Final

import re2

from tamis import limits
from tamis.once import once
from tamis.traits.weights import learned


def read_toml(name: str) -> dict[str, Any]:
    """Return one of the files beside this one."""
    with resources.files(__package__).joinpath(name).open("rb") as file:
        return tomllib.load(file)


_TOGETHER: Final = 8
"""Patterns in one automaton: a few more make it many times as large and slow, one for each costs a pass for each."""


class Patterns:
    """Regular expressions that are looked for together: of those that are tests, the ones that have a weight.

    `always` names others that are needed, too. All of them are compiled only where somebody asks for everything.
    """

    def __init__(self, patterns: Mapping[str, str], together: int = _TOGETHER, always: Collection[str] = ()) -> None:
        self._patterns = patterns
        self._together = together
        kept = learned().tests.keys() | {*always}
        self._kept = _compiled({name: patterns[name] for name in patterns if name in kept}, together)

    @once
    def _all(self) -> "_Automata":
        return _compiled(self._patterns, self._together)

    def found(self, octets: bytes, everything: bool = False) -> frozenset[str]:
        """Return the names of those that match, in UTF-8."""
        automata = self._all if everything else self._kept
        return frozenset([names[number] for automaton, names in automata for number in automaton.Match(octets) or ()])


_Automata = list[tuple["re2.Set", tuple[str, ...]]]


def _compiled(patterns: Mapping[str, str], together: int) -> _Automata:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = limits.TRAIT_PATTERN_BYTES
    names = tuple(patterns)
    automata: _Automata = []
    for start in range(0, len(names), together):
        some = names[start : start + together]
        automaton = re2.Set.SearchSet(options)
        for name in some:
            automaton.Add(patterns[name])
        automaton.Compile()
        automata.append((automaton, some))
    return automata


def words(pairs: Iterable[tuple[str, str]]) -> Patterns:
    """Return patterns that look for plain words; a name may stand by several."""
    by_name: dict[str, list[str]] = {}
    for name, word in pairs:
        by_name.setdefault(name, []).append(re.escape(word))
    return Patterns({name: "|".join(found) for name, found in by_name.items()}, _WORDS_TOGETHER)


_WORDS_TOGETHER: Final = 40
MARKS: Final = Patterns(read_toml("marks.toml"), always=["UNSUBSCRIBE"])
"""By name: a test, or what a family looks at more closely where it is there."""
