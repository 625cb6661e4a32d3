"""What is to wear out whoever looks at it takes at most a second of processor time and 300 MB, and says why."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attachments.bombs import BOMBS

ROOT = Path(__file__).parents[2]
CPU_SECONDS, MEGABYTES = 1.0, 300


@pytest.mark.slow
def test_each_is_bounded_and_has_a_reason(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    names = {f"{number:02}": name for number, name in enumerate(BOMBS)}
    for number, name in names.items():
        (tmp_path / f"{number}.eml").write_bytes(BOMBS[name][0]())
    run = subprocess.run(
        [sys.executable, "-m", "tests.attachments.measure_bombs", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    measured = {names[line[0]]: line[1:] for line in map(json.loads, run.stdout.splitlines())}
    assert list(measured) == list(BOMBS)
    for name, (cpu, wall, memory, tests) in measured.items():
        reason = BOMBS[name][1]
        line = f"{name:<36}{cpu:6.2f} s CPU {wall:6.2f} s {memory:5} MB  {reason}: {tests.get(reason, '')[:100]}"
        record_property("counted", line)
    slow = {name: line[0] for name, line in measured.items() if line[0] > CPU_SECONDS}
    large = {name: line[2] for name, line in measured.items() if line[2] > MEGABYTES}
    silent = [name for name, line in measured.items() if BOMBS[name][1] not in line[3]]
    assert (slow, large, silent) == ({}, {}, [])
