"""The measurements of docs/performance.md run, on few messages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.peers.charts import write_chart

ROOT = Path(__file__).parents[2]


def run(corpora: Path, *command: str) -> str:
    environment = {**os.environ, "TAMIS_CORPORA": str(corpora)}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.servers
@pytest.mark.corpora
@pytest.mark.slow
def test_stages(corpora: Path) -> None:
    printed = run(corpora, "benchmarks.stages", "-n", "30")
    shares = [float(share) for share in re.findall(r"\| ([\d.]+) % \|", printed)]
    assert sum(shares) == pytest.approx(200, abs=2)


@pytest.mark.servers
@pytest.mark.corpora
@pytest.mark.slow
def test_growth(corpora: Path) -> None:
    few = ("--answers", "10", "--policies", "10", "--entries", "10", "--rules", "250", "--bursts", "1")
    printed = run(corpora, "benchmarks.growth", "-n", "60", *few)
    assert len(re.findall(r"^\| .* \| \d+ \| \d+ \| ", printed, re.M)) == 4
    assert printed.count("{'c': 50}") == 1


@pytest.mark.servers
@pytest.mark.corpora
@pytest.mark.slow
def test_cores(corpora: Path) -> None:
    printed = run(corpora, "benchmarks.cores", "-n", "20", "--rounds", "1")
    assert re.findall(r"^\| (\d+) \| \d+ \(", printed, re.M) == [
        str(count) for count in range(1, len(os.sched_getaffinity(0)) + 1)
    ]


def test_a_chart_has_a_bar_for_each_number(tmp_path: Path) -> None:
    write_chart(tmp_path / "x.svg", "Speed & more", {"a <b>": {"Tamis": 2.0, "other": 1.0}, "c": {"Tamis": 3.0}})
    drawn = (tmp_path / "x.svg").read_text()
    assert drawn.count('height="12" fill') == 2 + 3
    assert "a &lt;b&gt;" in drawn
    assert "Speed &amp; more" in drawn
