"""The benchmark of the scanners runs, and prints a line for each of them and each size."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scanner_servers import Clamd, Spamd

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.servers
def test_the_benchmark_runs() -> None:
    if not (Clamd.installed() and Spamd.installed()):
        pytest.skip("clamd or spamd is not installed")
    command = [sys.executable, "-m", "benchmarks.scanners", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("5 KB") == 4
