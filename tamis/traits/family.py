"""How tests are declared: families of measures with thresholds, and of facts that hold or not."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from tamis.traits.letter import Letter
from tamis.traits.marks import Patterns
from tamis.traits.weights import asked

Numbers = dict[str, int]
"""What was measured, by the name of the measure."""


Row = TypeVar("Row", bound=tuple[Any, ...])


class Table(Generic[Row]):
    """What is looked for in the same way: rows that begin with the name of a flag."""

    def __init__(self, *rows: Row) -> None:
        self.all = rows
        self._asked = tuple(row for row in rows if row[0] in asked())

    def of(self, letter: Letter) -> tuple[Row, ...]:
        """Return the rows that a letter asks for."""
        return self.all if letter.everything else self._asked


class Expressions:
    """Expressions of `re`, each with the flag that it stands for.

    RE2 looks for all of them at once in a text that is ASCII, where it says the same as `re`.
    """

    def __init__(self, *rows: tuple[str, re.Pattern[str]]) -> None:
        self._table = Table(*rows)
        self._together = Patterns({flag: for_re2(pattern) for flag, pattern in rows})

    def of(self, text: str, letter: Letter) -> Iterable[str]:
        """Return the flags of those that match, of all that a letter asks for."""
        if text.isascii() and not letter.everything:
            return self._together.found(text.encode())
        return [flag for flag, pattern in self._table.of(letter) if pattern.search(text)]


def for_re2(pattern: re.Pattern[str]) -> str:
    """Return an expression as RE2 reads it: its space is narrower."""
    small = "(?i)" if pattern.flags & re.IGNORECASE else ""
    return small + pattern.pattern.replace(r"\s", r"[\s\v\x1c-\x1f]")


class Trait(NamedTuple):
    """One test: its name, what it computes in one sentence, its family, and what it is a variant of."""

    name: str
    meaning: str
    family: str
    measure: str


class Measure(NamedTuple):
    """A number, and where it is cut: each piece from the first cut on is a test; below it there is none."""

    name: str
    meaning: str
    at: tuple[int, ...]

    def tests(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the meaning of the test of each piece."""
        for low, high in zip(self.at, (*self.at[1:], None), strict=True):
            if high is None:
                yield f"{self.name}_{low}_UP", f"{self.meaning}: {low} or more"
            elif high == low + 1:
                yield f"{self.name}_{low}", f"{self.meaning}: {low}"
            else:
                yield f"{self.name}_{low}_{high - 1}", f"{self.meaning}: {low} to {high - 1}"


@dataclass(frozen=True)
class Family:
    """Tests of one subject.

    `look` puts what it measures into the numbers, and yields the names of the flags that hold. Flags of which the name
    begins with one of `kinds` are variants of one measure, as the values of one field are. `of_the_header`: whether it
    looks at what servers and mail programs write, so that it may learn only where ham and spam came the same way.
    """

    name: str
    about: str
    look: Callable[[Letter, Numbers], Iterable[str]]
    measures: tuple[Measure, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    of_the_header: bool = False

    def traits(self) -> Iterator[Trait]:
        """Yield every test of the family."""
        for measure in self.measures:
            for name, meaning in measure.tests():
                yield Trait(name, meaning, self.name, measure.name)
        for name, meaning in self.flags.items():
            kind = next((kind for kind in self.kinds if name.startswith(kind)), name)
            yield Trait(name, meaning, self.name, kind)


def percent(part: int, whole: int) -> int:
    """Return the share of a part in whole percent, 0 of nothing."""
    return 100 * part // whole if whole else 0
