"""Threads that are there from the start, and stay.

`concurrent.futures` makes threads when work comes. Where the system has none to give it waits for one that never
begins, with its lock held: every later caller hangs (a thread that dies of a lack of memory before its first line).
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_Job = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]] | None


class Pool:
    """So many threads that take one job after the other. Raises `RuntimeError` where the system has not so many."""

    def __init__(self, threads: int, name: str) -> None:
        self._jobs: Final[SimpleQueue[_Job]] = SimpleQueue()
        self._threads = threads
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(self, function: Callable[..., T], *arguments: object) -> "Future[T]":
        """Have a function called, and return what will have its result."""
        future: Future[T] = Future()
        self._jobs.put((future, function, arguments))
        return future

    def close(self) -> None:
        """Let the threads go, each when it has nothing left to do."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while True:
            # Whatever is raised here, a lack of memory too: who waits gives up in time, and the thread stays.
            with suppress(BaseException):
                job = self._jobs.get()
                if job is None:
                    return
                _carry_out(*job)
                del job  # It holds a message.


def _carry_out(future: "Future[Any]", function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function(*arguments)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
