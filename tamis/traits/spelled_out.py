"""Regular expressions that are words and phrases with a few choices in them, spelled out."""

import re
from collections.abc import Iterator
from itertools import product
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

from tamis.traits.phrases import ANY, END, SOME

_MOST: Final = 200
"""Phrases that one expression may spell out to."""
Phrase = tuple[str, int]
"""A phrase, and what may follow it."""


class NotPlain(ValueError):
    """The expression is more than words with choices."""


def alternatives(pattern: str) -> list[str]:
    """Return the alternatives of an expression, those within parentheses left as they are."""
    found, depth, start = [], 0, 0
    for match in re.finditer(r"\\.|\[[^\]]*\]|[()|]", pattern):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if match[0] == "|" and not depth:
            found.append(pattern[start : match.start()])
            start = match.end()
    return [*found, pattern[start:]]


def spelled_out(pattern: str) -> list[Phrase]:
    r"""Return the phrases that match `\b(?:pattern)\b` of RE2. Raises NotPlain where that are not a few phrases."""
    tree = _parser.parse(pattern)
    found = [*dict.fromkeys(_of(list(tree)))]
    if tree.state.flags != re.UNICODE or any(
        not re.match(r"\w", text, re.A) or (tail and not re.search(r"\w$", text, re.A)) for text, tail in found
    ):
        raise NotPlain(pattern)
    return found


def _of(tree: list[Any]) -> list[Phrase]:
    """Return what a sequence spells out to."""
    found: list[Phrase] = [("", END)]
    for step in tree:
        choices = [*_step(*step)]
        if len(found) * len(choices) > _MOST or any(tail for _, tail in found):
            raise NotPlain("there are too many phrases, or letters behind any letters")
        found = [(text + more, tail) for (text, _), (more, tail) in product(found, choices)]
    return found


def _step(kind: Any, what: Any) -> Iterator[Phrase]:
    if kind is _parser.LITERAL:
        yield chr(what), END
    elif kind is _parser.IN and all(one is _parser.LITERAL for one, _ in what):
        yield from ((chr(code), END) for _, code in what)
    elif kind is _parser.SUBPATTERN and not what[1] and not what[2]:
        yield from _of(list(what[3]))
    elif kind is _parser.BRANCH:
        for branch in what[1]:
            yield from _of(list(branch))
    elif kind is _parser.MAX_REPEAT and what[:2] == (0, 1):
        yield "", END
        yield from _of(list(what[2]))
    elif kind is _parser.MAX_REPEAT and what[0] <= 1 and what[1] is _parser.MAXREPEAT and list(what[2]) == _WORD:
        yield "", SOME if what[0] else ANY
    else:
        raise NotPlain(str(kind))


_WORD: Final = [(_parser.IN, [(_parser.CATEGORY, _parser.CATEGORY_WORD)])]
