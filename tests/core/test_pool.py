"""Threads that are there from the start, and stay."""

import threading
from typing import NoReturn

import pytest

from tamis.pool import Pool


def test_all_threads_are_there_before_there_is_work() -> None:
    before = threading.active_count()
    pool = Pool(5, "early")
    assert threading.active_count() == before + 5
    pool.close()


def test_jobs_run_side_by_side_and_their_results_come_back() -> None:
    pool, both = Pool(2, "side"), threading.Barrier(2)
    jobs = [pool.submit(lambda number: (both.wait(10), number), number) for number in range(2)]
    assert [job.result(10)[1] for job in jobs] == [0, 1]
    pool.close()


@pytest.mark.parametrize("kind", [ValueError, MemoryError, SystemExit])
def test_a_job_that_fails_tells_who_waits_and_costs_no_thread(kind: type[BaseException]) -> None:
    def fail() -> NoReturn:
        raise kind

    pool = Pool(1, "failing")
    assert isinstance(pool.submit(fail).exception(10), kind)
    assert pool.submit(lambda: 5).result(10) == 5
    pool.close()


def test_a_job_given_up_before_it_began_is_not_done() -> None:
    pool, go, done = Pool(1, "given up"), threading.Event(), []
    first = pool.submit(go.wait, 10)
    second = pool.submit(done.append, 1)
    assert second.cancel()
    go.set()
    assert first.result(10)
    assert pool.submit(len, done).result(10) == 0
    pool.close()


def test_without_threads_to_be_had_the_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    with pytest.raises(RuntimeError):
        Pool(1, "none")
