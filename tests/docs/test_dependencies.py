"""docs/dependencies.md has one line for each dependency of pyproject.toml, with its range, and no other."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _documented(chapter: str) -> dict[str, str]:
    """Return package and range of each table row of a chapter; every cell of it says something."""
    body = PAGE.partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body.splitlines() if "| `" in line]
    assert all(len(cells) == 6 and all(cells) for cells in rows)
    return {cells[0].strip("`"): cells[1] for cells in rows}


def _declared(requirements: list[str]) -> dict[str, str]:
    parts = [re.fullmatch(r"([A-Za-z0-9_.-]+(?:\[[a-z0-9,]+\])?)(.*)", text) for text in requirements]
    return {match[1]: match[2] for match in parts if match}


def test_run_time() -> None:
    assert _documented("At run time") == _declared(PROJECT["dependencies"])


def test_tests_and_builds() -> None:
    assert _documented("For tests and builds") == _declared(PROJECT["optional-dependencies"]["test"])
