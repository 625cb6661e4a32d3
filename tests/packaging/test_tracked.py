"""What is tracked: the licence as it is, and nothing of the machine it was written on."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_HOME = re.compile(rb"(?<![\w.-])/(?:home|root|Users)/(?!\.\.\.)[A-Za-z0-9_.-]+/")


def tracked() -> list[Path]:
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_the_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.split()[:6] == ["GNU", "GENERAL", "PUBLIC", "LICENSE", "Version", "3,"]
    assert "END OF TERMS AND CONDITIONS" in text
    assert "GPL-3.0-or-later" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_no_file_names_anybodys_home() -> None:
    found = []
    for path in tracked():
        if path.is_file() and not path.is_symlink():
            found += [f"{path.relative_to(ROOT)}: {match!r}" for match in _HOME.findall(path.read_bytes())]
    assert found == []


def test_no_file_is_what_a_tool_left_behind() -> None:
    left = re.compile(r"__pycache__|\.py[co]$|\.egg-info|\.hypothesis|(^|/)(build|dist)/|\.orig$|\.rej$|~$")
    assert [path for path in tracked() if left.search(str(path.relative_to(ROOT)))] == []


def test_every_link_leads_somewhere_in_the_tree() -> None:
    links = [path for path in tracked() if path.is_symlink()]
    assert links
    for path in links:
        assert path.exists(), path
        assert path.resolve().is_relative_to(ROOT.resolve()), path
