"""Wheel, sdist and editable install: each holds everything, and what it installs works."""

import getpass
import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

NEEDED = (
    "tamis/cli.py",
    "tamis/py.typed",
    "tamis/filters/order.py",
    "tamis/migrations/env.py",
    "tamis/migrations/script.py.mako",
    "tamis/migrations/versions/0001_lists.py",
    "tamis/milter/session.py",
    "tamis/models/default.bin",
    "tamis/phishing/brands.toml",
    "tamis/phishing/hosts.toml",
    "tamis/rules/base/fr.toml",
    "tamis/postfix/dovecot/junk.sieve",
    "tamis/postfix/dovecot/tamis-report",
    "tamis/postfix/private/dovecot.conf.in",
    "tamis/postfix/private/main.cf.in",
    "tamis/locale/fr.po",
    "tamis/web/static/tamis.css",
    "tamis/web/templates/base.html",
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of what is tracked or new, so that building leaves nothing in the tree."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source.readlink())
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    return folder


@pytest.fixture(scope="module")
def built(checkout: Path) -> Path:
    """The folder with the wheel (made from the sdist, as an installer would) and the sdist."""
    run(sys.executable, "-m", "build", "--no-isolation", str(checkout))
    return checkout / "dist"


def run(*command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def empty_venv(tmp_path: Path) -> Path:
    """An environment that sees the packages of this one, but not this one's Tamis."""
    venv.create(tmp_path / "venv", with_pip=False)
    (site,) = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    links = site / "shared"
    links.mkdir()
    for place in {Path(entry) for entry in sys.path if entry.endswith("site-packages")}:
        for item in place.iterdir():
            if "tamis" not in item.name.lower() and item.suffix != ".pth" and not (links / item.name).exists():
                (links / item.name).symlink_to(item)
    (site / "shared.pth").write_text(f"{links}\n")
    return tmp_path / "venv"


def check_installed(environment: Path) -> None:
    python = str(environment / "bin" / "python")
    rows = json.loads(run(str(environment / "bin" / "tamis"), "filters", "--json"))
    assert len(rows) == 36
    where = run(python, "-c", "import tamis, milter; print(tamis.__file__); print(milter.__file__)").splitlines()
    assert where[1].endswith(".so")
    report = run(python, "-m", "tamis.cli", "scan", "--json", __file__)
    assert json.loads(report)["verdicts"][0]["tests"]["BAYES"] is not None
    config = environment / "tamis.toml"
    config.write_text(f'[daemon]\nuser = "{getpass.getuser()}"\nstate_directory = "{environment}"\n', "utf-8")
    assert "upgraded to version" in run(str(environment / "bin" / "tamis"), "database", "upgrade", "-c", str(config))


COMPILED = [
    *(path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "tamis").rglob("*.pyx")),
    "tamis/models/native",
]


def test_wheel_holds_everything(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert set(NEEDED) <= names
        assert "tamis/milter/__init__.py" not in names
        about = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
        assert not [name for name in names if name.split("/")[0] not in ("tamis", about)]
        for module in COMPILED:
            assert [name for name in names if name.startswith(module + ".") and name.endswith(".so")], module
            assert module + ".pyi" in names


def test_sdist_holds_everything(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "setup.cfg", "setup.py", "pyproject.toml", *NEEDED} <= names
    for module in COMPILED:
        assert names & {f"{module}.pyx", f"{module.removeprefix('tamis/')}.pyx"}, module
        assert f"{module}.pyi" in names


def test_wheel_installs_and_works(built: Path, empty_venv: Path) -> None:
    (wheel,) = built.glob("*.whl")
    run(str(empty_venv / "bin" / "python"), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel))
    check_installed(empty_venv)


def test_editable_install_works(checkout: Path, empty_venv: Path) -> None:
    python = str(empty_venv / "bin" / "python")
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation", "-e", str(checkout))
    check_installed(empty_venv)


def test_pytest_runs_from_the_root(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/packaging/test_house.py", "-p", "no:cacheprovider"],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
