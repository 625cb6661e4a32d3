"""The table of caps in docs/security.md: `python -m tests.docs.caps` writes it."""

import ast
import re
from functools import cache
from pathlib import Path

from tamis import limits

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
_TABLE = re.compile(r"(<!-- caps -->\n).*?(<!-- end of caps -->)", re.S)
UNITS = {"KIB", "MIB"}


def caps() -> dict[str, str]:
    """Return each cap with what its docstring says first."""
    body = ast.parse((ROOT / "tamis" / "limits.py").read_text("utf-8")).body
    found = {}
    for one, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.target.id not in UNITS:
            said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            found[one.target.id] = re.split(r"(?<=[.:;]) ", " ".join(str(said).split()))[0].rstrip(".:;")
    return found


def tests_of(name: str) -> list[str]:
    """Return the files of tests that name a cap."""
    return [path for path, words in _tests().items() if name in words]


@cache
def _tests() -> dict[str, set[str]]:
    """The words in capitals of each file of tests that speaks of limits."""
    files = {path: path.read_text("utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py"))}
    return {
        path.relative_to(ROOT).as_posix(): set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", text))
        for path, text in files.items()
        if re.search(r"\blimits\b", text)
    }


def table() -> str:
    lines = ["| cap | value | of what | test |", "|---|---|---|---|"]
    for name, said in caps().items():
        held = tests_of(name)
        lines.append(f"| `{name}` | {getattr(limits, name):,} | {said} | {f'`{held[0]}`' if held else '—'} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    return _TABLE.sub(lambda match: f"{match[1]}\n{table()}\n{match[2]}", PAGE.read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
