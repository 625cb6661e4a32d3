"""The benchmark of the rules runs, and prints a line for each number of them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_benchmark_runs(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text("Subject: x\n\nhello there\n")
    command = [sys.executable, str(ROOT / "benchmarks" / "rules.py"), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    starts = [line.split()[:2] for line in done.stdout.splitlines()[1:-1]]
    assert starts == [
        ["folding", "alone"],
        ["rows", "27"],
        ["0", "rules"],
        ["100", "rules"],
        ["1000", "rules"],
        ["the", "shipped"],
    ]
    assert done.stdout.splitlines()[-1].startswith("the shipped rules on 131,072 characters")
