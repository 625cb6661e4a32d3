"""The benchmark of the snapshot runs, and prints a line for each form of the lists."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_benchmark_runs() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "snapshot.py"), "1000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split()[:2] == ["entries", "lists"]
    assert [line.split()[0] for line in lines] == ["1,000", "1,000"]
