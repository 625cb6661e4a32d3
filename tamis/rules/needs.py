"""What must stand in a text that a pattern matches: words, so that one pass over the text tells which patterns to run.

`needs` goes over the tree that Python's own reader makes of a pattern. Where RE2 reads one in another way
(https://github.com/google/re2/wiki/Syntax), or Python not at all, nothing is concluded, and the pattern runs over every
text. The method is that of Cox, "Regular Expression Matching with a Trigram Index" (2012).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

from tamis.rules.folding import Keep

Words = frozenset[str]
Items = Sequence[tuple[Any, Any]]
"""What Python's reader makes of a sequence: operations, each with what it is of."""

_REMEMBERED: Final = 8192
"""Patterns: most are the same after a change, and in several places."""
_MOST_WORDS: Final = 40
"""Alternatives that are followed; where there are more, what is behind them is looked for by itself."""
_LONGEST_WORD: Final = 24
_LARGEST_CLASS: Final = 8
_LEAST: Final = 2
"""Octets of a word that is looked for, spaces at its ends apart; shorter ones are in every text."""
_LEAST_OF_OTHERS: Final = 3
"""The same for all sets of a pattern but its best: common words cost more than they tell."""
_MOST_SETS: Final = 3
_LARGEST_OTHER: Final = 16
_MOST_OTHERS: Final = 4
"""Other sets of a pattern, short ones too, which are looked for only where it might match."""
_READ_ALIKE: Final = re.compile(
    r"""(?: [^\\\[({]                                                       # no octals, nor what RE2 alone has,
          | \\[^0-9]
          | \[ \^?+ \]?+ (?: \\[^0-9] | (?!--|&&|~~|\|\|) [^\\\[\]] )*+ \]  # no [[:alpha:]], nor what Python warns of
          | \( (?!\?) | \(\?: | \(\?P<\w+> | \(\?[ms]+[:)]                  # no flags that change letters
          | \{ (?!,)                                                        # {,3} is itself in RE2
        )*+""",
    re.X,
)
"""What Python reads as RE2 does, or takes for an error."""
SEVERAL: Final = frozenset("µſΐΰβεθικμπρςσφϐϑϕϖϰϱϵвдостъѣ")
"""Small letters of `certain` blocks for which RE2, where case does not matter, takes other small letters too."""
_WITHOUT_CASE: Final = ("Lo", "Nd", "Sc", "Po", "Pd")
"""Categories of Unicode of which no letter has a case in any version, that of RE2 too."""
_SPACES: Final = frozenset(" \t\n\r\v\f")


class Length(NamedTuple):
    """The most characters of a match: so many, and so many runs of characters without any white space."""

    characters: int
    runs: int


class Needs(NamedTuple):
    """What a match must hold, and how long it may be."""

    sets: tuple[Words, ...] = ()
    """Of each, one word at least, and what stands for one set stands before what stands for the next. No word of a set
    holds another of it."""
    length: Length | None = None
    """None without a bound."""
    others: tuple[tuple[int, Words], ...] = ()
    """Further sets, each with how many of `sets` stand before it."""


class _Piece(NamedTuple):
    """What is known of a piece of a pattern: all that it may be, None where that is not known, and what it needs."""

    words: Words | None
    sets: tuple[Words, ...] = ()


_NOTHING: Final = frozenset([""])
_EMPTY: Final = _Piece(_NOTHING)
_ANYTHING: Final = _Piece(None)


@lru_cache(maxsize=_REMEMBERED)
def needs(pattern: str, keep: Keep = frozenset()) -> Needs:
    """Return what a pattern that `patterns.check` has passed needs of a text that is folded in the same way."""
    try:
        tree = _parser.parse(pattern) if _READ_ALIKE.fullmatch(pattern) else None
    except (re.error, OverflowError, RecursionError):
        tree = None
    if tree is None:
        return Needs()
    # In the order of the pattern, for what a match holds of them stands in that order.
    found = list(dict.fromkeys(_all(_sequence(tree, keep))))
    best = sorted(found, key=_worth, reverse=True)
    used = [words for words in best[:1] if _worth(words)[0] >= _LEAST]
    used += [words for words in best[1:_MOST_SETS] if _worth(words)[0] >= _LEAST_OF_OTHERS]
    others = [words for words in best if words not in used and len(words) <= _LARGEST_OTHER][:_MOST_OTHERS]
    places = [(sum(one in used for one in found[: found.index(words)]), words) for words in others]
    return Needs(tuple(words for words in found if words in used), _length(tree), tuple(places))


def _worth(words: Words) -> tuple[int, int, list[str]]:
    """What the better set has more of; the words themselves only make it the same set each time."""
    return min(map(_size, words)), -len(words), sorted(words)


def _size(word: str) -> int:
    return len(word.strip(" ").encode())


def _all(piece: _Piece) -> tuple[Words, ...]:
    if piece.words is None or not min(map(_size, piece.words)):
        return piece.sets
    # A word that holds another of the set adds nothing.
    least = (word for word in piece.words if not any(word != one and one in word for one in piece.words))
    return (*piece.sets, frozenset(least))


def _sequence(items: Iterable[tuple[Any, Any]], keep: Keep) -> _Piece:
    words: Words = _NOTHING
    whole = True
    sets: tuple[Words, ...] = ()
    for operation, value in items:
        piece = _piece(str(operation), value, keep)
        joined = _joined(words, piece.words)
        if joined is None:
            # What stands here is not all known: the words before it end, and others may begin behind it.
            sets, whole = (*sets, *_all(_Piece(words)), *piece.sets), False
            joined = _NOTHING if piece.words is None else piece.words
        words = joined
    return _Piece(words) if whole else _Piece(None, (*sets, *_all(_Piece(words))))


def _piece(operation: str, value: Any, keep: Keep) -> _Piece:
    match operation:
        case "LITERAL":
            return _literal(value, keep)
        case "IN":
            return _class(value, keep)
        case "SUBPATTERN":
            return _sequence(value[3], keep)
        case "BRANCH":
            return _branch([_sequence(one, keep) for one in value[1]])
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, items = value
            return _repeated(int(least), int(most), _sequence(items, keep))
        case "AT":
            return _EMPTY
    return _ANYTHING


def _literal(code: int, keep: Keep) -> _Piece:
    letter = chr(code) if "case" in keep else chr(code).lower()
    return _Piece(frozenset([letter])) if "case" in keep or certain(letter, keep) else _ANYTHING


def certain(letter: str, keep: Keep) -> bool:
    """Whether RE2 takes nothing else in folded text for a small letter, where case does not matter."""
    if letter.isascii():
        # The long s is the only small letter that is taken for one of ASCII; folding makes a plain one of it.
        return letter != "s" or "letters" not in keep
    cased = letter < "\u0180" or "\u0370" <= letter < "\u0590"
    return letter not in SEVERAL if cased else unicodedata.category(letter[0]) in _WITHOUT_CASE


def _class(items: Items, keep: Keep) -> _Piece:
    if len(items) > _LARGEST_CLASS or any(str(operation) != "LITERAL" for operation, _ in items):
        return _ANYTHING
    return _branch([_literal(code, keep) for _, code in items])


def _branch(pieces: Sequence[_Piece]) -> _Piece:
    known = [piece.words for piece in pieces if piece.words is not None]
    words = frozenset[str]().union(*known)
    if len(known) == len(pieces) and len(words) <= _MOST_WORDS:
        return _Piece(words)
    each = [max(_all(piece), key=_worth, default=None) for piece in pieces]
    some = frozenset[str]().union(*(one for one in each if one is not None))
    return _Piece(None, () if None in each else _all(_Piece(some)))


def _repeated(least: int, most: int, piece: _Piece) -> _Piece:
    if (least, most) == (0, 1) and piece.words is not None:
        return _Piece(piece.words | _NOTHING)
    if least == most == 1:
        return piece
    return _Piece(None, _all(piece)) if least else _ANYTHING


def _joined(left: Words | None, right: Words | None) -> Words | None:
    if left is None or right is None or len(left) * len(right) > _MOST_WORDS:
        return None
    words = frozenset(a + b for a, b in product(left, right))
    return words if max(map(len, words)) <= _LONGEST_WORD else None


def _length(items: Items) -> Length | None:
    characters = runs = 0
    for operation, value in items:
        longest: Length | None
        match str(operation):
            case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY":
                longest = Length(1, 0)
            case "AT":
                longest = Length(0, 0)
            case "SUBPATTERN":
                longest = _length(value[3])
            case "BRANCH":
                each = [_length(one) for one in value[1]]
                bounded = [one for one in each if one is not None]
                whole = len(each) == len(bounded)
                longest = Length(*map(max, zip(*bounded, strict=True))) if whole else None
            case "MAX_REPEAT" | "MIN_REPEAT":
                longest = _repeated_length(int(value[1]), value[2])
            case _:
                longest = None
        if longest is None:
            return None
        characters, runs = characters + longest.characters, runs + longest.runs
    return Length(characters, runs)


def _repeated_length(most: int, items: Items) -> Length | None:
    once = _length(items)
    if once is None:
        return None
    if most < int(_parser.MAXREPEAT):
        return Length(most * once.characters, most * once.runs)
    return Length(0, 1) if len(items) == 1 and _without_space(*items[0]) else None


def _without_space(operation: Any, value: Any) -> bool:
    """Whether what is repeated is one character, and never white space."""
    for one, of in value if str(operation) == "IN" else [(operation, value)]:
        if str(one) not in ("LITERAL", "RANGE"):
            return False
        first, last = of if str(one) == "RANGE" else (of, of)
        if any(first <= ord(space) <= last for space in _SPACES):
            return False
    return True
