"""Boolean expressions over rules: ``a and (b or not c)``, ``2 of (a, b, c-*)``, ``any of (...)``, ``all of (...)``.

either     = both { "or" both }
both       = one { "and" one }
one        = "not" one | count "of" "(" items ")" | "(" either ")" | NAME
items      = item { "," item }      item = either | NAME with *
count      = NUMBER | "any" | "all"
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from tamis.rules.rule import NAME

_TOKEN: Final = re.compile(rf"\s*(?:([(),])|({NAME})(?![a-z0-9*-])|([a-z0-9*-]*\*[a-z0-9*-]*)|([0-9]+)(?![a-z0-9*-]))")
_DEPTH: Final = 30
_WORDS: Final = ("and", "or", "not", "of", "any", "all")


class BadExpression(ValueError):
    """An expression that cannot be read; `at` is the offset of the wrong character."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(text)
        self.at = at


@dataclass(frozen=True, slots=True)
class Node:
    """What holds when at least `least` of `members` hold (at most `most`); a leaf holds where its rule does."""

    members: tuple["Node", ...] = ()
    least: int = 1
    negated: bool = False
    name: str = ""
    at: int = 0

    def holds(self, rule_holds: Callable[[str], bool]) -> bool:
        if self.name:
            found = rule_holds(self.name)
        else:
            left = self.least
            for member in self.members:
                if left and member.holds(rule_holds):
                    left -= 1
            found = left <= 0
        return found is not self.negated

    def names(self) -> Iterator[tuple[str, int]]:
        """Yield each rule that is named, and where."""
        if self.name:
            yield self.name, self.at
        for member in self.members:
            yield from member.names()


def parse(text: str, known: Collection[str]) -> Node:
    """Read an expression over rules of those names. Raises `BadExpression`."""
    reader = _Reader(text, known)
    found = reader.either(0)
    if reader.word:
        raise reader.wrong(f"expected 'and', 'or' or the end, not {reader.word!r}")
    return found


class _Reader:
    """Reads from the left, one word ahead."""

    def __init__(self, text: str, known: Collection[str]) -> None:
        self._text = text
        self._known = known
        self._next = 0
        self.word, self.at = "", 0
        self._advance()

    def wrong(self, text: str) -> BadExpression:
        return BadExpression(text, self.at)

    def _shown(self) -> str:
        return repr(self.word) if self.word else "the end"

    def _advance(self) -> None:
        rest = self._text[self._next :]
        blank = len(rest) - len(rest.lstrip())
        self.at = self._next + blank
        if blank == len(rest):
            self.word, self.at = "", max(0, len(self._text.rstrip()) - 1)
            return
        found = _TOKEN.match(self._text, self._next)
        if found is None:
            raise BadExpression(f"{self._text[self.at]!r} begins no name of a rule", self.at)
        self.word = found[1] or found[2] or found[3] or found[4]
        self._next = found.end()

    def _take(self, word: str, why: str) -> None:
        if self.word != word:
            raise self.wrong(f"expected {word!r} {why}, not {self._shown()}")
        self._advance()

    def either(self, depth: int) -> Node:
        return self._chain("or", lambda: self._chain("and", lambda: self._one(depth + 1), all_of=True))

    def _chain(self, word: str, read: Callable[[], Node], all_of: bool = False) -> Node:
        members = [read()]
        while self.word == word:
            self._advance()
            members.append(read())
        return members[0] if len(members) == 1 else Node(tuple(members), len(members) if all_of else 1)

    def _one(self, depth: int) -> Node:
        if depth > _DEPTH:
            raise self.wrong(f"nested more than {_DEPTH} deep")
        word, at = self.word, self.at
        if word == "not":
            self._advance()
            inner = self._one(depth + 1)
            return Node((inner,), negated=True)
        if word == "(":
            self._advance()
            inner = self.either(depth)
            self._take(")", f"to close the ( at {at + 1}")
            return inner
        if word in ("any", "all") or word.isdigit():
            return self._count(depth)
        if word in _WORDS or word in (")", ",", ""):
            raise self.wrong(f"expected a rule, not {self._shown()}")
        if "*" in word:
            raise self.wrong(f"{word!r}: a name with * stands in 'of (...)' only")
        self._advance()
        return self._leaf(word, at)

    def _leaf(self, name: str, at: int) -> Node:
        if name not in self._known:
            raise BadExpression(f"there is no rule {name!r}", at)
        return Node(name=name, at=at)

    def _count(self, depth: int) -> Node:
        count, at = self.word, self.at
        self._advance()
        self._take("of", f"after {count!r}")
        self._take("(", "after 'of'")
        members: list[Node] = []
        while True:
            if "*" in self.word:
                members += self._alike()
            else:
                members.append(self.either(depth))
            if self.word != ",":
                break
            self._advance()
        self._take(")", "after the rules to count")
        least = {"any": 1, "all": len(members)}.get(count) or int(count if count.isdigit() else 0)
        if not 1 <= least <= len(members):
            raise BadExpression(f"{count} of {len(members)} can never be counted", at)
        return Node(tuple(members), least)

    def _alike(self) -> list[Node]:
        found = [Node(name=name, at=self.at) for name in sorted(self._known) if fnmatchcase(name, self.word)]
        if not found:
            raise self.wrong(f"no rule has a name like {self.word!r}")
        self._advance()
        return found
