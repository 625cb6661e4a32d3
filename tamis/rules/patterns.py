"""One regular expression of a rule: folded like the text it is to meet, and held to what takes linear time (RE2).

RE2 (https://github.com/google/re2/wiki/Syntax) has neither look-around nor references back, whose time no cap could
bound. What it refuses is pointed at by its place in the pattern.
"""

import re
from functools import lru_cache
from typing import Final

import re2

from tamis import limits
from tamis.rules.folding import Keep, characters

_MEMORY: Final = 1 << 19
"""Octets that RE2 may use for one pattern. With half of it, it falls back to ten times the time for large ones."""
_REMEMBERED: Final = 8192
"""Patterns found good: the same are checked when files are read, when rules are compiled, and with each change."""
_BACK_REFERENCE: Final = re.compile(r"invalid escape sequence: \\[1-9]")
_LOOK_AROUND: Final = re.compile(r"invalid perl operator: \(\?<?[=!]")
_REPEAT: Final = re.compile(r"\{(\d+)(?:,(\d*))?\}")


class BadPattern(ValueError):
    """A pattern that cannot be used; the text says why, `at` is the offset of the wrong character."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(text)
        self.at = at


def options(keep: Keep) -> "re2.Options":
    """Return RE2's options for a pattern."""
    found = re2.Options()
    found.case_sensitive = "case" in keep
    found.log_errors = False
    found.max_mem = _MEMORY
    found.dot_nl = False
    return found


@lru_cache(maxsize=_REMEMBERED)
def check(pattern: str, keep: Keep) -> str:
    """Return a pattern folded, ready for RE2. Raises `BadPattern`."""
    folded, origins = _fold(pattern, keep)
    try:
        compiled = re2.compile(folded, options(keep))
    except re2.error as error:
        text, at = _explained(folded, _message(error), keep)
        raise BadPattern(text, origins[at]) from None
    if compiled.programsize > limits.RULE_STEPS:
        text = f"too large: {compiled.programsize} steps, at most {limits.RULE_STEPS}; lower its {{m,n}}"
        raise BadPattern(text, _largest_repeat(pattern))
    if compiled.search(b"") is not None:
        raise BadPattern("matches where there is nothing, so every message", 0)
    return folded


def _fold(pattern: str, keep: Keep) -> tuple[str, list[int]]:
    """Return a pattern with its letters folded, and for each of its characters, and its end, where it came from.

    Only what is not ASCII changes. Where upper and lower case look like different letters, both will do.
    """
    out: list[str] = []
    origins: list[int] = []
    in_class = escaped = False
    for at, letter in enumerate(pattern):
        piece = letter
        if letter.isascii():
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == "[":
                in_class = True
            elif letter == "]":
                in_class = False
        else:
            escaped = False
            piece = _variants(letter, keep, in_class, at)
            if in_class and piece != letter and "-" in (pattern[at - 1 : at], pattern[at + 1 : at + 2]):
                raise BadPattern(f"{letter!r} is folded, so it cannot end a range; name the letters", at)
        out.append(piece)
        origins += [at] * len(piece)
    return "".join(out), [*origins, max(0, len(pattern) - 1)]


def _variants(letter: str, keep: Keep, in_class: bool, at: int) -> str:
    cases = (letter,) if "case" in keep else (letter.lower(), letter.upper())
    folded = list(dict.fromkeys(characters(one, keep) for one in cases))
    if "case" not in keep:
        folded = list(dict.fromkeys(one.lower() for one in folded))
    if not folded[0]:
        raise BadPattern(f"U+{ord(letter):04X} is never in folded text: it cannot be seen", at)
    escaped = [re.escape(one) if one.isascii() else one for one in folded]
    if in_class:
        if any(len(one) > 1 for one in folded):
            raise BadPattern(f"{letter!r} is folded to {folded[0]!r}: write it outside of [ ]", at)
        return "".join(escaped)
    return escaped[0] if len(folded) == 1 and len(folded[0]) == 1 else f"(?:{'|'.join(escaped)})"


def _message(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _explained(pattern: str, said: str, keep: Keep) -> tuple[str, int]:
    """Return what is wrong in words, and at which character of a (folded) pattern."""
    kind, _, what = said.partition(": ")
    if kind == "missing )":
        return "a ( is never closed", _unclosed(pattern)
    if kind == "unexpected )":
        return "a ) that closes nothing", _first_error(pattern, said, keep)
    if kind == "missing ]":
        return "a [ is never closed", max(0, len(pattern) - len(what))
    if kind.startswith("pattern too large"):
        return "too large: lower its {m,n}", _largest_repeat(pattern)
    at = _first_error(pattern, said, keep)
    if _LOOK_AROUND.match(said):
        return f"{what}: looking ahead or behind cannot be done in linear time; combine two rules instead", at
    if _BACK_REFERENCE.match(said):
        return f"{what}: a reference back to a group cannot be done in linear time", at
    return f"{kind} {what}" if len(what) < 20 else kind, at


def _first_error(pattern: str, said: str, keep: Keep) -> int:
    """Return where the first error begins: RE2 reads from the left, so the shortest start with it ends with it."""
    kind, _, what = said.partition(": ")
    for end in range(1, len(pattern) + 1):
        try:
            re2.compile(pattern[:end], options(keep))
        except re2.error as error:
            found, _, piece = _message(error).partition(": ")
            if found == kind and (piece == what or kind == "unexpected )"):
                return max(0, pattern.rfind(")" if kind == "unexpected )" else what, 0, end))
    return 0


def _unclosed(pattern: str) -> int:
    """Return the innermost ( that nothing closes."""
    stack: list[int] = []
    in_class = False
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            at += 1
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
        elif letter == "(":
            stack.append(at)
        elif letter == ")" and stack:
            stack.pop()
        at += 1
    return stack[-1] if stack else 0


def _largest_repeat(pattern: str) -> int:
    found = max(_REPEAT.finditer(pattern), key=lambda one: int(one[2] or one[1]), default=None)
    return found.start() if found else 0
