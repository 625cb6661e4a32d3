"""The measurement of the network's rows runs: every message is taken, and the second time its answers are known."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.servers
@pytest.mark.corpora
@pytest.mark.slow
def test_it_measures(corpora: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.network_rows", "-n", "40"]
    environment = {**os.environ, "TAMIS_CORPORA": str(corpora)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"'accepted': (\d+)", done.stdout) == ["40"] * 3
    first, again, _ = (float(share) for share in re.findall(r"([\d.]+) % known", done.stdout))
    assert again > first
    assert "warnings and errors in the log: 0" in done.stdout
