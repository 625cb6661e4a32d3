"""The house: where code stands, what it may import, and the trap that `milter/` would be (docs/decisions)."""

import ast
import subprocess
import sys
from configparser import ConfigParser
from functools import cache
from pathlib import Path

import milter
import pytest

from tamis import schema
from tamis.database import open_database

ROOT = Path(__file__).parents[2]
NOT_IN_A_WORKER = (
    "sklearn",
    "scipy",
    "rich",
    "alembic",
    "mako",
    "psycopg",
    "psycopg2",
    "PIL",
    "pytesseract",
    "zxingcpp",
    "starlette",
    "uvicorn",
    "jinja2",
    "babel",
)
LINKED = ("filters", "milter", "models", "postfix", "quarantine", "web")
SOURCES = sorted(path for name in ("tamis", *LINKED) for path in (ROOT / name).rglob("*.py"))


@cache
def imports(path: Path, at_module_level: bool = False) -> set[str]:
    """The modules a file imports; with `at_module_level`, those imported when it is."""
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    for node in tree.body if at_module_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found


def test_the_extension_is_not_shadowed() -> None:
    assert milter.__file__ is not None
    assert milter.__file__.endswith(".so")
    assert not (ROOT / "milter" / "__init__.py").exists()


@pytest.mark.parametrize("where", [ROOT, ROOT / "tests"])
def test_the_extension_is_not_shadowed_from(where: Path) -> None:
    code = "import milter, tamis.milter.protocol; print(milter.__file__)"
    run = subprocess.run([sys.executable, "-c", code], cwd=where, env=environment(), capture_output=True, text=True)
    assert run.stdout.strip().endswith(".so"), run.stderr


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("name", LINKED)
def test_packages_are_reached_by_links(name: str) -> None:
    link = ROOT / "tamis" / name
    assert link.is_symlink()
    assert link.readlink() == Path("..") / name


def test_every_package_is_listed() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {path.parent for path in SOURCES}
    found = {folder.relative_to(ROOT).as_posix().replace("/", ".") for folder in folders}
    assert listed == {name if name.startswith("tamis") else f"tamis.{name}" for name in found}


def test_every_compiled_module_is_listed_and_has_a_stub() -> None:
    found = {path.relative_to(ROOT) for name in ("tamis", *LINKED) for path in (ROOT / name).rglob("*.pyx")}
    listed = ast.literal_eval(
        next(
            node.value
            for node in ast.parse((ROOT / "setup.py").read_text("utf-8")).body
            if isinstance(node, ast.Assign)
        )
    )
    dotted = {path: path.with_suffix("").as_posix().replace("/", ".") for path in found}
    assert listed == {
        name if name.startswith("tamis.") else f"tamis.{name}": str(path) for path, name in dotted.items()
    }
    assert all((ROOT / path).with_suffix(".pyi").exists() for path in found)
    assert found


@pytest.mark.slow
def test_only_the_milter_folder_imports_pymilter() -> None:
    users = {path.relative_to(ROOT).parts[0] for path in SOURCES if imports(path) & {"milter", "Milter", "mime"}}
    assert users == {"milter"}


@pytest.mark.slow
def test_the_core_imports_neither_daemon_nor_scikit_learn() -> None:
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] == "tamis" and path.name != "cli.py":
            assert not [name for name in imports(path) if name.startswith(("tamis.milter", "sklearn", "scipy"))], path


def test_only_its_command_imports_the_web() -> None:
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] != "web":
            found = [name for name in imports(path) if name.startswith("tamis.web")]
            assert found == (["tamis.web.command"] if path.name == "cli.py" else []), path


@pytest.mark.slow
def test_a_worker_never_loads_what_only_commands_need(tmp_path: Path) -> None:
    """Neither scikit-learn, nor Alembic, nor the driver of a database it does not use."""
    schema.upgrade(open_database(f"sqlite:///{tmp_path}/tamis.db"))
    code = (
        "import sys, tamis.milter.worker, tamis.milter.core as core; core.real_core();"
        "from tamis.config import parse; from tamis.engine import Engine, preload;"
        "from tamis.mail import Mail; from tamis.message import Message;"
        f"config = parse('[daemon]\\nstate_directory = \"{tmp_path}\"', 'x'); preload(config);"
        "engine = Engine(config);"
        "engine.examine(Mail(Message(b'Subject: x\\n\\nhello'), recipients=['a@b.example']));"
        "engine.refresh();"
        f"print([name for name in sys.modules if name.split('.')[0] in {NOT_IN_A_WORKER}])"
    )
    run = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr
