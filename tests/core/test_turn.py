"""One message is computed at a time, who waits lets the others, and nobody waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tamis import turn


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def in_turn(work: Callable[[], object]) -> None:
    with turn.taken():
        work()


def test_one_at_a_time(threads: ThreadPoolExecutor) -> None:
    inside: list[int] = []
    seen: list[int] = []

    def work() -> None:
        inside.append(1)
        time.sleep(0.01)
        seen.append(len(inside))
        inside.pop()

    for done in [threads.submit(in_turn, work) for _ in range(8)]:
        done.result(5)
    assert seen == [1] * 8


def test_who_waits_lets_the_others(threads: ThreadPoolExecutor) -> None:
    answer = threading.Event()

    def waits() -> None:
        with turn.given():
            assert answer.wait(5)

    waiting = threads.submit(in_turn, waits)
    threads.submit(in_turn, answer.set).result(5)
    waiting.result(5)


def test_a_turn_is_taken_again_after_a_wait(threads: ThreadPoolExecutor) -> None:
    order: list[str] = []
    waits, goes_on = threading.Event(), threading.Event()

    def first() -> None:
        with turn.given():
            waits.set()
            assert goes_on.wait(5)
        order.append("first")

    def second() -> None:
        goes_on.set()
        time.sleep(0.05)
        order.append("second")

    one = threads.submit(in_turn, first)
    assert waits.wait(5)
    threads.submit(in_turn, second).result(5)
    one.result(5)
    assert order == ["second", "first"]


def test_without_a_turn_nothing_is_given() -> None:
    with turn.taken(), turn.given(), turn.given():
        pass
    with turn.given(), turn.taken():
        pass
    with turn.taken():
        pass


def test_an_error_gives_it_back(threads: ThreadPoolExecutor) -> None:
    def fails() -> None:
        with turn.given():
            raise OSError("no room")

    for _ in range(2):
        with pytest.raises(OSError, match="no room"):
            threads.submit(in_turn, fails).result(5)


@pytest.mark.slow
def test_nobody_waits_for_ever(threads: ThreadPoolExecutor) -> None:
    """What waits in a way that nobody thought of holds up the others for half a second, not for good."""
    stuck = threading.Event()
    holder = threads.submit(in_turn, lambda: stuck.wait(20))
    began = time.monotonic()
    threads.submit(in_turn, lambda: None).result(15)
    assert time.monotonic() - began >= 0.4
    stuck.set()
    holder.result(5)
    threads.submit(in_turn, lambda: None).result(5)
