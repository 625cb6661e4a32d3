"""The measurements of held mail run; what they print is for people."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["quarantine_size", "-n", "40", "--size", "600"], "search: what nobody wrote"),
        (["holds", "--seconds", "0.2", "--size", "600"], "2 processes  32 at once"),
    ],
    ids=["quarantine_size", "holds"],
)
def test_it_measures(words: list[str], said: str, kind: str, tmp_path: Path) -> None:
    folder = "/tmp" if kind == "postgresql" else str(tmp_path)
    command = [sys.executable, "-m", f"benchmarks.{words[0]}", "--only", kind, "--folder", folder, *words[1:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout
    assert list(tmp_path.iterdir()) == []
