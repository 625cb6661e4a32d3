"""Lists as files: one value on each line, or CSV whose first line names the columns.

A plain file may have comments: what follows ``#`` or ``;`` after white space, or at the start of a line.
"""

import csv
import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TextIO

from tamis.list_store import StoredEntry

COLUMNS: Final = ("value", "source", "expires", "licence", "note")
"""The columns of an exported list. Only the value must be there."""

_COMMENT: Final = re.compile(r"(?:^|\s)[#;].*")


class BadFile(ValueError):
    """The file as a whole cannot be read as a list; the text is one clear line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number, and its words by column, those that are empty left out."""

    number: int
    words: dict[str, str]

    @property
    def value(self) -> str:
        return self.words.get("value", "")


def read(text: Iterable[str], columns: Collection[str] = COLUMNS) -> Iterator[Line]:
    """Yield the lines of a file that say something. Raises `BadFile` for a column that is none of `columns`."""
    lines = enumerate(text, 1)
    for number, line in lines:
        bare = line.lstrip("\ufeff").strip()
        if not bare or bare[0] in "#;":
            continue
        head = [cell.strip().strip('"').lower() for cell in bare.split(",")]
        if head[0] == "value" or "value" in head[1:]:
            _check_columns(number, head, columns)
            yield from _csv(number, head, (line for _, line in lines))
            return
        value = _COMMENT.sub("", bare).strip()
        if value:
            yield Line(number, {"value": value})


def _check_columns(number: int, head: list[str], columns: Collection[str]) -> None:
    for name in head:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(columns)}"
            raise BadFile(f"line {number}: there is no column {name[:40]!r}{hint}")
    if len(set(head)) != len(head):
        raise BadFile(f"line {number}: a column stands there twice")


def _csv(before: int, head: list[str], lines: Iterator[str]) -> Iterator[Line]:
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            number = before + reader.line_num
            if len(cells) > len(head):
                raise BadFile(f"line {number}: {len(cells)} columns, and the first line names {len(head)}")
            words = {name: cell.strip() for name, cell in zip(head, cells, strict=False) if cell.strip()}
            if words:
                yield Line(number, words)
    except csv.Error as error:
        raise BadFile(f"line {before + reader.line_num}: {error}") from None


def write(file: TextIO, entries: Iterable[StoredEntry], licences: dict[str, str], plain: bool = False) -> None:
    """Write entries as CSV, or with `plain` their values alone."""
    table = csv.writer(file, lineterminator="\n")
    if not plain:
        table.writerow(COLUMNS)
    for stored in entries:
        expires = stored.entry.expires.isoformat() if stored.entry.expires else ""
        licence = licences.get(stored.added_by, "")
        if plain:
            file.write(f"{stored.entry.value}\n")
        else:
            table.writerow([stored.entry.value, stored.added_by, expires, licence, stored.note])
