"""What twenty lookups for one message may cost: CPU of their process, and time where the server takes its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.servers
@pytest.mark.slow
def test_twenty_fresh_lookups_keep_their_limits() -> None:
    command = [sys.executable, "-m", "benchmarks.dns", "--rounds", "30", "--without-redis"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("limits: CPU 2.0 ms, wall 150 ms: kept\n"), done.stdout + done.stderr
    assert done.returncode == 0
