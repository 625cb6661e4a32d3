"""Where in a TOML text each character of a key's strings stands: to point at what is wrong inside one."""

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | \"\"\"(?P<basics>(?:[^"\\]|\\.|"(?!""))*)(?P<more1>"{0,2})\"\"\"
      | '''(?P<literals>(?:[^']|'(?!''))*)(?P<more2>'{0,2})'''
      | "(?P<basic>(?:[^"\\\n]|\\.)*)"
      | '(?P<literal>[^'\n]*)'""",
    re.X | re.S,
)
_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[ \t]*\n\s*|.)", re.S)


def position(text: str, line: int, index: int, offset: int) -> tuple[int, int] | None:
    """Return line and column (from 1) of a character of the string of that index in the value that begins on a line.

    None where the text is not spelled as is known here.
    """
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    equals = text.find("=", start)
    if equals < 0:
        return None
    for number, (content, escapes) in enumerate(_strings(text, equals + 1)):
        if number == index:
            at = _at(text, *content, offset) if escapes else content[0] + offset
            return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    return None


def _strings(text: str, start: int) -> Iterator[tuple[tuple[int, int], bool]]:
    """Yield where the content of each string stands, and whether it has escapes."""
    for found in _TOKEN.finditer(text, start):
        for name in ("basics", "literals", "basic", "literal"):
            if found[name] is not None:
                first, last = found.span(name)
                # A line end straight behind the opening delimiter is no part of the string.
                if name in ("basics", "literals") and text[first : first + 1] == "\n":
                    first += 1
                yield (first, last), name.startswith("basic")


def _at(text: str, first: int, last: int, offset: int) -> int:
    """Return where the character of that offset stands in a string with escapes."""
    at = first
    while offset > 0 and at < last:
        escape = _ESCAPE.match(text, at, last)
        if escape is None:
            at, offset = at + 1, offset - 1
        else:
            # A backslash at the end of a line stands for nothing.
            offset -= 0 if "\n" in escape[0] else 1
            at = escape.end()
    return at
