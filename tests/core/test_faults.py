"""The named points at which other tests stop and kill processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tamis import faults

ROOT = Path(__file__).parents[2]
CODE = "from tamis import faults; faults.point('hold.locked'); print('passed'); faults.point('hold.locked')"


@pytest.fixture
def passing(tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Starts a process that passes a point, says so, and passes it again."""
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        environment = {**os.environ, faults.VARIABLE: str(tmp_path)}
        started.append(
            subprocess.Popen([sys.executable, "-c", CODE], env=environment, stdout=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ends(process: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = process.communicate(timeout=20)
    return process.returncode, said


def test_nothing_happens_where_nothing_is_armed(passing: Callable[[], "subprocess.Popen[str]"]) -> None:
    assert ends(passing()) == (0, "passed\n")


def test_kills_whoever_comes_first(tmp_path: Path, passing: Callable[[], "subprocess.Popen[str]"]) -> None:
    (tmp_path / "hold.locked.kill").touch()
    assert ends(passing()) == (-signal.SIGKILL, "")
    assert ends(passing()) == (0, "passed\n")


def test_waits_until_told_to_go_on(tmp_path: Path, passing: Callable[[], "subprocess.Popen[str]"]) -> None:
    (tmp_path / "hold.locked.pause").touch()
    process, paused = passing(), tmp_path / "hold.locked.paused"
    deadline = time.monotonic() + 20
    while not paused.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert paused.read_text() == str(process.pid)
    assert process.poll() is None
    paused.unlink()
    assert ends(process) == (0, "passed\n")


def test_fails_as_on_a_full_disk(tmp_path: Path, passing: Callable[[], "subprocess.Popen[str]"]) -> None:
    (tmp_path / "hold.locked.error").touch()
    assert ends(passing()) == (1, "")


def test_every_point_is_passed_somewhere() -> None:
    folders = ("quarantine", "milter", "tamis", "tamis/learning")
    sources = [path for folder in folders for path in (ROOT / folder).glob("*.py") if path.name != "faults.py"]
    passed = [name for path in sources for name in re.findall(r'faults\.point\("(.+?)"\)', path.read_text("utf-8"))]
    assert set(passed) == {*faults.POINTS, *faults.LEARNING_POINTS}
