"""docs/phishing.md: its table has every sign with the points in force, and no weight stands on much ham."""

import re
from pathlib import Path

from benchmarks.phishing import SIGNS

PAGE = (Path(__file__).parents[2] / "docs" / "phishing.md").read_text(encoding="utf-8")
_LARGE = ("modern, list-linux-raid", "spamassassin", "enron-raw-ham", "trec07p-first20k", "bounces")
_MOST_HAM = 1.0
_NOTHING = 0.1


def _table() -> tuple[list[str], dict[str, list[str]]]:
    """Return the titles of the columns and the cells of each sign."""
    lines = PAGE[PAGE.index("| test | points |") :].split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return rows[0][2:], {row[0].strip("`"): row[1:] for row in rows[2:]}


def test_every_sign_stands_there_with_its_points() -> None:
    _, rows = _table()
    assert {name: cells[0] for name, cells in rows.items()} == {
        name: f"{sign.points:g}" for name, sign in SIGNS.items()
    }


def test_what_much_ham_has_weighs_nothing() -> None:
    titles, rows = _table()
    ham = [
        number for number, title in enumerate(titles) if title.removesuffix(", ham") in _LARGE and title[-3:] == "ham"
    ]
    assert len(ham) == len(_LARGE)
    for name, cells in rows.items():
        rates = [float(cells[1 + number].replace("·", "0")) for number in ham]
        assert max(rates) <= _MOST_HAM or SIGNS[name].points < _NOTHING, name


def test_the_signs_alone_make_no_ham_spam() -> None:
    """The first table: with them no more ham reaches the level than without, and they add less than the level."""
    rows = re.findall(r"^\| [^|]+, ham \| [\d,]+ \| \S+ \| ([\d.]+) \| (\d+) \| (\d+) \|$", PAGE, re.M)
    assert len(rows) >= len(_LARGE)
    for most, before, after in rows:
        assert before == after
        assert float(most) < 7.5
