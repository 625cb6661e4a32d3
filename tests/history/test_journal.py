"""Decisions on their way to the keeper: nothing is lost with a worker, and nothing grows without bounds."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tamis.history import journal as module
from tamis.history.decided import decode
from tamis.history.journal import HistoryJournal, dropped, files, waiting
from tests.history.deciding import made

ROOM = 10_000_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_LEAST_SECONDS", 0.0)
    return tmp_path / "history"


def test_what_was_noted_is_handed_over(folder: Path) -> None:
    journal = HistoryJournal(folder, ROOM)
    decisions = [made(1), made(2)]
    for one in decisions:
        journal.note(one)
    assert list(files(folder)) == []  # Its worker lives, and writes.
    journal.flush()
    (path,) = files(folder)
    assert [decode(line) for line in path.read_bytes().splitlines()] == decisions
    assert path.stat().st_mode & 0o777 == 0o600
    journal.note(made(3))
    journal.flush(leaving=True)
    assert len(list(files(folder))) == 2
    journal.flush(leaving=True)
    assert waiting(folder)[0] == 2


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(folder: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from tamis.history.journal import HistoryJournal;"
        "from tests.history.deciding import made; journal = HistoryJournal(Path(sys.argv[1]), 10**6);"
        "journal.note(made(1)); journal.note(made(2)); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(folder)], check=False).returncode == -9
    (path,) = files(folder)
    assert path.suffix == module.OPEN
    assert [decode(line).id for line in path.read_bytes().splitlines()] == [made(1).id, made(2).id]


def test_too_much_is_counted_and_not_kept(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = HistoryJournal(folder, 1500)
    for _ in range(3):
        journal.note(made(1))
    journal.flush()
    for _ in range(4):
        journal.note(made(1))
    journal.flush()
    assert journal.dropped == 4
    assert len(caplog.records) == 1
    for path in files(folder):
        path.unlink()
    journal.flush()
    journal.note(made(2))
    journal.flush(leaving=True)
    lines = [line for path in files(folder) for line in path.read_bytes().splitlines()]
    assert [dropped(line) for line in lines] == [4, None]


def test_a_full_disk_costs_decisions_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = HistoryJournal(folder, ROOM)
    journal.note(made(1))
    write = os.write

    def half(descriptor: int, line: bytes) -> int:
        return write(descriptor, line[:20])

    def full(_descriptor: int, _line: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for broken in (half, full):
        monkeypatch.setattr(os, "write", broken)
        journal.note(made(2))
        journal.flush()
        monkeypatch.setattr(os, "write", write)
        journal.flush()
    journal.note(made(3))
    journal.flush(leaving=True)
    lines = [line for path in files(folder) for line in path.read_bytes().splitlines()]
    assert [dropped(line) for line in lines if dropped(line)] == [1, 1]
    assert [decode(line).id for line in lines if dropped(line) is None] == [made(1).id, made(3).id]


def test_while_nobody_takes_them_up_files_grow_instead_of_their_number(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.limits, "HISTORY_FILES", 2)
    journal = HistoryJournal(folder, ROOM)
    for number in range(10):
        journal.note(made(number))
        journal.flush()
    assert waiting(folder)[0] == 3
