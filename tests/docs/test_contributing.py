"""What may import what, as CONTRIBUTING.md says it (what a filter may import is tests/filters/test_order.py's)."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("tamis", "filters", "models", "milter", "postfix")


def _all_imports() -> Iterator[tuple[Path, str]]:
    """Yield each file of the code with each module it imports, wherever in it the import stands."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.resolve() != path:
                continue  # behind a symlink: seen under its own name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from ((path.relative_to(ROOT), alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield path.relative_to(ROOT), node.module


@cache
def _imports() -> list[tuple[Path, str]]:
    return list(_all_imports())


def _importers(*packages: str) -> set[str]:
    return {str(path) for path, module in _imports() if module.split(".")[0] in packages}


def test_pymilter_is_imported_by_the_smtp_side_alone() -> None:
    found = _importers("milter", "Milter", "mime")
    assert found
    assert all(path.startswith("milter/") for path in found), found


def test_scikit_learn_is_imported_by_what_learns_alone() -> None:
    assert _importers("sklearn", "scipy") == {"models/fitting.py", "models/trait_fit.py"}


def test_the_core_does_not_import_the_smtp_side() -> None:
    """But for the command line, which registers the commands of every part."""
    found = {str(path) for path, module in _imports() if path.parts[0] == "tamis" and module.startswith("tamis.milter")}
    assert found == {"tamis/cli.py"}
