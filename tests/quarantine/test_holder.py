"""Holds of one process: written together, each with its own answer, all of them in time."""

import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from tamis.database import sqlite_file
from tamis.quarantine.holder import Holder
from tamis.quarantine.records import NewMessage
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tests.postgresql import Cluster
from tests.quarantine.held import RAW, copy, message, parted, rows, states

pytestmark = pytest.mark.slow

SECONDS = 30.0


class Counting(Store):
    """A store that counts how often it wrote, and can be slow."""

    def __init__(self, url: str, spool: Spool, seconds: float = 0.0) -> None:
        super().__init__(url, spool)
        self.batches: list[int] = []
        self._seconds = seconds

    def write(self, messages: Sequence[NewMessage], answered: Sequence[NewMessage] = ()) -> None:
        self.batches.append(len(messages))
        time.sleep(self._seconds)
        super().write(messages, answered)


@pytest.fixture
def slow(database_url: str, spool: Spool) -> Counting:
    store = Counting(database_url, spool, 0.2)
    store.engine()
    return store


def messages(store: Store, number: int) -> list[NewMessage]:
    return [
        message(store.spool, copy(f"{count}@example.org"), raw=RAW + b"%d" % count, queue_id=str(count))
        for count in range(number)
    ]


def held(futures: "list[Future[None]]") -> list[bool]:
    """Whether each was held; all must be known in time."""
    done, late = wait(futures, SECONDS)
    assert not late
    assert len(done) == len(futures)
    return [future.exception() is None for future in futures]


def test_messages_share_a_transaction(slow: Counting) -> None:
    holder = Holder(slow)
    assert all(held([holder.hold(one) for one in messages(slow, 250)]))
    assert rows(slow)["copy"] == 250
    assert max(slow.batches) == 100
    assert len(slow.batches) <= 6


def test_from_many_threads(store: Store) -> None:
    holder = Holder(store)
    new = messages(store, 64)
    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(lambda one: held([holder.hold(one)])[0], new))
    assert sorted(states(store)) == sorted(f"{one.id}.1" for one in new)


def test_one_bad_message_does_not_cost_the_others(slow: Counting) -> None:
    """Two of the same id: the second can never be written."""
    holder = Holder(slow)
    new = messages(slow, 5)
    new[2] = message(slow.spool, copy("else@example.org"), raw=b"else", id=new[4].id)
    new.insert(0, message(slow.spool, copy("first@example.org"), raw=b"first"))
    assert held([holder.hold(one) for one in new]).count(False) == 1
    assert rows(slow)["copy"] == 5


def test_who_no_longer_waits_is_not_held(slow: Counting) -> None:
    """The MTA was told to try again: what it brings then is the message."""
    holder = Holder(slow)
    first, second, third = messages(slow, 3)
    futures = [holder.hold(first)]
    time.sleep(0.05)
    futures.append(holder.hold(second))
    assert futures[1].cancel()
    futures.append(holder.hold(third))
    wait(futures, SECONDS)
    assert [future.cancelled() for future in futures] == [False, True, False]
    assert set(states(slow)) == {f"{first.id}.1", f"{third.id}.1"}
    # And the thread that writes goes on.
    assert all(held([holder.hold(message(slow.spool, raw=b"later"))]))


def test_a_disk_that_is_full_costs_all_and_no_more(slow: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(digests: object) -> None:
        raise OSError(28, "No space left on device")

    holder = Holder(slow)
    with monkeypatch.context() as broken:
        broken.setattr(slow.spool, "settle", full)
        assert not any(held([holder.hold(one) for one in messages(slow, 10)]))
    assert len(slow.batches) <= 2
    assert all(held([holder.hold(message(slow.spool))]))


def test_a_locked_database(tmp_path: Path, spool: Spool) -> None:
    """Somebody holds the lock of SQLite: all fail after its five seconds, together, and the next ones are held."""
    store = Counting(f"sqlite:///{tmp_path}/tamis.db", spool)
    store.engine()
    holder = Holder(store)
    locker = sqlite3.connect(str(sqlite_file(f"sqlite:///{tmp_path}/tamis.db")), isolation_level=None)
    before = message(spool, copy("before@example.org"), raw=b"before")
    assert held([holder.hold(before)]) == [True]
    locker.execute("BEGIN IMMEDIATE")
    holder.answered(before)
    start = time.monotonic()
    assert not any(held([holder.hold(one) for one in messages(store, 20)]))
    assert time.monotonic() - start < 15
    locker.execute("ROLLBACK")
    locker.close()
    assert all(held([holder.hold(one) for one in messages(store, 20)]))


@pytest.mark.servers
def test_a_database_that_is_gone(cluster: Cluster, spool: Spool) -> None:
    store = Counting(cluster.new_database(), spool)
    holder = Holder(store)
    assert all(held([holder.hold(message(store.spool))]))
    cluster.stop()
    try:
        futures = [holder.hold(one) for one in messages(store, 20)]
        assert not any(held(futures))
        assert {type(future.exception()) for future in futures} == {OperationalError}
    finally:
        cluster.start()
    assert all(held([holder.hold(one) for one in messages(store, 20)]))


@pytest.mark.servers
def test_a_database_that_goes_in_the_middle(cluster: Cluster, slow: Counting) -> None:
    if slow.engine().dialect.name == "sqlite":
        return
    holder = Holder(slow)
    future = holder.hold(message(slow.spool))
    time.sleep(0.1)
    cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'tamis%'")
    (kept,) = held([future])
    assert kept == (rows(slow)["copy"] == 1)
    assert kept or isinstance(future.exception(), DBAPIError)


def test_who_is_answered_before_is_known_to_what_comes_after(store: Store) -> None:
    holder = Holder(store)
    for _ in range(3):
        one = message(store.spool, *parted("bob@example.org"))
        assert held([holder.hold(one)]) == [True]
        holder.answered(one)
    assert rows(store)["outbox"] == 3


def away() -> Any:
    raise OperationalError("", {}, Exception())


def test_an_answer_that_cannot_be_written_costs_no_hold(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise ValueError

    holder = Holder(store)
    one = message(store.spool, *parted("bob@example.org"))
    assert held([holder.hold(one)]) == [True]
    with monkeypatch.context() as changed:
        changed.setattr("tamis.quarantine.store._not_yet_answered", lambda _, messages: messages and broken())
        holder.answered(one)
        new = [message(store.spool, copy(f"{name}@example.org"), raw=name.encode()) for name in ("x", "y")]
        assert held([holder.hold(two) for two in new]) == [True, True]
    assert held([holder.hold(message(store.spool, *parted("bob@example.org")))]) == [True]
    assert rows(store)["outbox"] == 2


def test_an_answer_is_remembered_while_the_database_is_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written with what comes next."""
    holder = Holder(store)
    one = message(store.spool, *parted("bob@example.org"))
    assert held([holder.hold(one)]) == [True]
    with monkeypatch.context() as broken:
        broken.setattr(store, "transaction", away)
        holder.answered(one)
        assert held([holder.hold(message(store.spool, copy("else@example.org"), raw=b"else"))]) == [False]
    assert held([holder.hold(message(store.spool, *parted("bob@example.org")))]) == [True]
    assert rows(store)["outbox"] == 2
