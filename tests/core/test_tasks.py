"""The tasks of the keeper: each goes on, whatever becomes of it and of the others."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from tamis import tasks
from tamis.tasks import Task, TaskThread


@contextmanager
def running(*each: Task) -> Iterator[list[TaskThread]]:
    stopping = threading.Event()
    threads = [TaskThread(task, stopping) for task in each]
    try:
        for thread in threads:
            thread.start()
        yield threads
    finally:
        stopping.set()
        assert all(thread.wait(10) for thread in threads)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_task_runs_again_and_again() -> None:
    times: list[float] = []
    with running(Task("x", 0.05, lambda: times.append(time.monotonic()))) as (thread,):
        assert thread.ran.wait(10)
        wait_until(lambda: len(times) > 3)
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.05


def test_a_series_of_failures_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tamis")
    runs: list[int] = []

    def run() -> None:
        runs.append(len(runs))
        if runs[-1] in (1, 2, 3, 6, 7):
            raise ValueError("bad day")

    with running(Task("x", 0.001, run)):
        wait_until(lambda: len(runs) > 10)
    again = "a task of the keeper works again"
    failed = "a task of the keeper failed; it is tried again"
    assert [record.getMessage() for record in caplog.records] == [failed, again, failed, again]
    assert {record.fields["task"] for record in caplog.records} == {"x"}  # type: ignore[attr-defined]
    assert str(caplog.records[0].exc_info[1]) == "bad day"  # type: ignore[index]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError])
def test_nothing_ends_a_task(error: type[BaseException]) -> None:
    runs: list[int] = []

    def run() -> None:
        runs.append(1)
        raise error

    with running(Task("x", 0.001, run)) as (thread,):
        assert thread.ran.wait(10)
        wait_until(lambda: len(runs) > 3)


def test_a_task_that_hangs_holds_up_no_other(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_LONG_SECONDS", 0.05)
    go, runs = threading.Event(), []
    with running(Task("hangs", 0.001, go.wait), Task("runs", 0.001, lambda: runs.append(1))) as threads:
        wait_until(lambda: len(runs) > 20)
        time.sleep(0.06)
        for thread in threads * 3:
            thread.warn_when_long()
        assert not threads[0].wait(0.01)
        assert not threads[0].ran.is_set()
        go.set()
    assert [(record.getMessage(), record.fields) for record in caplog.records] == [  # type: ignore[attr-defined]
        ("a task of the keeper takes long", {"task": "hangs"})
    ]


def test_the_run_under_way_is_finished_and_no_other_begun() -> None:
    began, go, ended = threading.Event(), threading.Event(), []

    def run() -> None:
        began.set()
        go.wait(10)
        ended.append(1)

    stopping = threading.Event()
    thread = TaskThread(Task("x", 0.0, run), stopping)
    thread.start()
    assert began.wait(10)
    stopping.set()
    assert not thread.wait(0.05)
    go.set()
    assert thread.wait(10)
    assert ended == [1]
