"""docs/conformity.md: no gap in the numbers, a state for each sentence, and nothing named that is not there."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tamis.filters.order import BY_NAME, ORDER

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformity.md").read_text(encoding="utf-8")
_ROWS = re.compile(r"\brows? (\d+b?(?:, \d+b?)*)")
BY_NUMBER = {row.number: row for row in ORDER}


@dataclass(frozen=True)
class Entry:
    """One sentence of the original."""

    number: int
    text: str
    answer: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    state: str

    @property
    def rows(self) -> list[str]:
        """The numbers of the rows that answer for it."""
        return [number for found in _ROWS.findall(self.answer) for number in found.split(", ")]

    @property
    def acts(self) -> bool:
        return self.state.startswith(("built", "partly built"))


def _entries() -> list[Entry]:
    found = []
    for line in PAGE.splitlines():
        if re.match(r"\| \d+ \|", line):
            number, text, answer, files, tests, state = line.removeprefix("| ").removesuffix(" |").split(" | ")
            found.append(Entry(int(number), text, answer, _quoted(files), _quoted(tests), state))
    return found


def _quoted(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


ENTRIES = _entries()


def test_the_numbers_have_no_gap() -> None:
    assert [entry.number for entry in ENTRIES] == list(range(1, 176))


def test_the_counts_at_the_top_are_right() -> None:
    kinds = [re.split(r":| (?!built)", entry.state)[0] for entry in ENTRIES]
    built, partly, missing, none = (kinds.count(kind) for kind in ("built", "partly built", "not built", "—"))
    assert built + partly + missing + none == len(ENTRIES)
    counts = f"{built} built, {partly} partly built, {missing} not built, {none} that ask for nothing."
    assert f"Of {len(ENTRIES)} sentences: {counts}" in PAGE


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry.number))
def test_entry(entry: Entry) -> None:
    """Each has a text and a state; what acts names files and tests, what does not names none."""
    assert entry.text.strip()
    assert re.fullmatch(r"built|not built|partly built: .+|— .+", entry.state)
    if entry.acts:
        assert entry.files
        assert entry.tests
    elif entry.state == "not built":
        assert entry.answer != "—"
        assert not entry.files
    assert entry.acts or not entry.tests


def test_the_files_exist() -> None:
    named = {file for entry in ENTRIES for file in entry.files}
    assert [file for file in sorted(named) if not (ROOT / file).is_file()] == []


def test_the_tests_exist() -> None:
    named = {test for entry in ENTRIES for test in entry.tests}
    assert [test for test in sorted(named) if not _is_test(test)] == []


def _is_test(named: str) -> bool:
    """Whether ``path`` is a file of tests, or ``path::name`` a test in it."""
    path, _, name = named.partition("::")
    if not (ROOT / path).is_file() or not Path(path).name.startswith("test_"):
        return False
    functions = _functions(path)
    return name in functions if name else any(function.startswith("test_") for function in functions)


@cache
def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_row_of_the_order_appears() -> None:
    named = {number for entry in ENTRIES for number in entry.rows}
    assert named == set(BY_NUMBER)


def test_the_states_agree_with_the_order() -> None:
    for entry in ENTRIES:
        if re.fullmatch(r"row \w+", entry.answer):
            assert entry.acts == BY_NUMBER[entry.rows[0]].built, entry
        if entry.acts:
            assert all(BY_NUMBER[number].built for number in entry.rows), entry


def test_the_original_order_is_the_order() -> None:
    """The list of the first article names the rows one by one; 7b stands elsewhere in it."""
    chapter = PAGE.partition("## Mais dans quel ordre")[2].partition("\n## ")[0]
    listed = [entry.rows[0] for entry in ENTRIES if f"| {entry.number} | {entry.text}" in chapter and entry.rows]
    assert len(listed) == 35
    assert sorted(listed, key=float) == [row.number for row in ORDER if row is not BY_NAME["sender-complaint"]]
