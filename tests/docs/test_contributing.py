"""What may import what, as CONTRIBUTING.md says it (what a filter may import is tests/filters/test_order.py's)."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.conftest import LONGEST

ROOT = Path(__file__).parents[2]
SMTP_SIDE = ("milter", "Milter", "mime")
LEARNING = ("sklearn", "scipy")
FOLDERS = ("tamis", "filters", "models", "milter", "postfix")


def _all_imports() -> Iterator[tuple[Path, str]]:
    """Yield each file of the code with each module it imports, wherever in it the import stands.

    Files that never name what is asked for below are passed over: reading them takes a second.
    """
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.resolve() != path:
                continue  # behind a symlink: seen under its own name
            text = path.read_text(encoding="utf-8")
            if not any(package in text for package in (*SMTP_SIDE, *LEARNING)):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    yield from ((path.relative_to(ROOT), alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield path.relative_to(ROOT), node.module


@cache
def _imports() -> list[tuple[Path, str]]:
    return list(_all_imports())


def _importers(*packages: str) -> set[str]:
    return {str(path) for path, module in _imports() if module.split(".")[0] in packages}


def test_the_longest_files_begin() -> None:
    """Those that tests/conftest.py names are still there."""
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []


def test_pymilter_is_imported_by_the_smtp_side_alone() -> None:
    found = _importers(*SMTP_SIDE)
    assert found
    assert all(path.startswith("milter/") for path in found), found


def test_scikit_learn_is_imported_by_what_learns_alone() -> None:
    assert _importers(*LEARNING) == {"models/fitting.py", "models/trait_fit.py"}


def test_the_core_does_not_import_the_smtp_side() -> None:
    """But for the command line, which registers the commands of every part."""
    found = {str(path) for path, module in _imports() if path.parts[0] == "tamis" and module.startswith("tamis.milter")}
    assert found == {"tamis/cli.py"}
