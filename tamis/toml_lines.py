"""Where in a TOML text each key stands: `tomllib` reads values but forgets their lines.

Only used to point at a mistake, so a spelling it does not know costs the line number and nothing else.
"""

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

Path = tuple[str | int, ...]

_KEY: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DOTTED: Final = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_TABLE: Final = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_DOTTED})[ \t]*\]\]?")
_PAIR: Final = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_CLOSES: Final = re.compile(r"[\]}]|\"\"\"|'''")
_ONE_KEY: Final = re.compile(_KEY)


def _split(dotted: str) -> Path:
    return tuple(str(tomllib.loads(f"k = {key}")["k"]) if key[0] in "\"'" else key for key in _ONE_KEY.findall(dotted))


def key_lines(text: str) -> dict[Path, int]:
    """Map each table and key of a valid TOML text, as a path of names and indices, to its line from 1."""
    lines = text.split("\n")
    found: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    number = 0
    while number < len(lines):
        line = lines[number]
        header, pair = _TABLE.match(line), _PAIR.match(line)
        if header:
            table = _split(header.group(2))
            if header.group(1) == "[[":
                index = counts.get(table, 0)
                counts[table] = index + 1
                found.setdefault(table, number + 1)
                table = (*table, index)
            _remember(found, table, number + 1)
        elif pair:
            _remember(found, table + _split(pair.group(1)), number + 1)
            count = _value_lines(lines, number)
            if "{" in line:
                with suppress(tomllib.TOMLDecodeError):
                    for path in _paths(tomllib.loads("\n".join(lines[number : number + count]))):
                        found.setdefault(table + path, number + 1)
            number += count - 1
        number += 1
    return found


def _paths(value: Any) -> Iterator[Path]:
    """Yield the path of each key of inline tables."""
    for step, inner in value.items() if isinstance(value, dict) else ():
        yield (step,)
        yield from ((step, *path) for path in _paths(inner))


def _remember(found: dict[Path, int], path: Path, line: int) -> None:
    for length in range(1, len(path) + 1):
        found.setdefault(path[:length], line)


def _value_lines(lines: list[str], start: int) -> int:
    """Return how many lines the pair that begins at `start` takes: the fewest that are valid TOML."""
    if not lines[start].rstrip().endswith(("[", ",", "{")) and not re.search(r"\"\"\"|'''|=[ \t]*[\[{]", lines[start]):
        return 1
    for count in range(1, len(lines) - start + 1):
        if count > 1 and not _CLOSES.search(lines[start + count - 1]):
            continue
        try:
            tomllib.loads("\n".join(lines[start : start + count]))
        except tomllib.TOMLDecodeError:
            continue
        return count
    return 1


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """Return the line of a path, or of the nearest table around it that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None
