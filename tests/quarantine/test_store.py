"""Holding: written once however often it is brought, and never without its octets."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tamis import faults
from tamis.headers import Changes
from tamis.quarantine import transitions
from tamis.quarantine.records import NewOutbox, State, decode_fields
from tamis.quarantine.rows import now
from tamis.quarantine.spool import Incoming, Spool
from tamis.quarantine.store import Store, lock_contents
from tamis.quarantine.tables import COPY, MESSAGE, OUTBOX
from tests.quarantine.held import FIELDS, RAW, age, contents, copy, hold, message, parted, rows, states


def seen(store: Store) -> list[int]:
    with store.transaction() as connection:
        return list(connection.execute(select(COPY.c.seen).order_by(COPY.c.id)).scalars())


def end_all(store: Store) -> None:
    """End every copy, and leave the contents: as a process that died in between."""
    with store.transaction() as connection:
        connection.execute(update(COPY).values(state=State.EXPIRED.value))


def one(store: Store, table: Any) -> Any:
    with store.transaction() as connection:
        return connection.execute(select(table)).one()


# What is written


def test_what_is_known_of_a_held_message(store: Store) -> None:
    before = now() - timedelta(seconds=1)
    name = hold(store, copy("bob@example.org", malware=True), subject="été\0", mail_parameters="RET=HDRS")
    held, copied = one(store, MESSAGE), one(store, COPY)
    assert (held.id, held.size, held.sender, held.peer) == (name, len(RAW), "ann@sender.example", "192.0.2.7")
    assert (held.subject, held.mail_parameters) == ("été?", "RET=HDRS")
    assert (copied.id, copied.recipient, copied.domain) == (f"{name}.1", "bob@example.org", "example.org")
    assert (copied.state, copied.row, copied.row_name, copied.score, copied.malware) == (
        "held",
        "27",
        "bayes",
        8420,
        True,
    )
    assert [tuple(field) for field in decode_fields(copied.fields)] == list(FIELDS)
    assert before < copied.held_at < now() + timedelta(seconds=1)
    assert store.spool.path(held.digest).read_bytes() == RAW
    assert rows(store) == {"content": 1, "message": 1, "copy": 1, "outbox": 0, "event": 0}


def test_copies_that_go_out_are_on_their_way_at_once(store: Store) -> None:
    name = hold(store, copy("bob@example.org"), *parted("carol@example.org", "dave@example.org"))
    assert states(store) == {f"{name}.1": "held", f"{name}.2": "released", f"{name}.3": "released"}
    waiting = one(store, OUTBOX)
    assert (waiting.message_id, waiting.kind, waiting.expand, waiting.tries) == (name, "parted", True, 0)
    assert json.loads(waiting.changes)["subjects"] == {"1": "SPAM: hello"}


def test_many_messages_at_once(store: Store) -> None:
    new = [message(store.spool, raw=RAW + b"%d" % number) for number in range(50)]
    store.write(new)
    assert rows(store)["copy"] == len(contents(store)) == 50


@pytest.mark.parametrize("subject", ["\udcff broken", "\0", "x" * 5000, "\U0001f600" * 300], ids=range(4))
def test_what_the_wire_brings_can_be_written(store: Store, subject: str) -> None:
    hold(store, copy("bob@example.org", because=subject), subject=subject, helo=subject, header_id=subject)
    assert rows(store)["copy"] == 1


@pytest.mark.parametrize("where", ["sender", "rcpt_to"])
def test_addresses_are_never_cut(store: Store, where: str) -> None:
    """A copy would go to somebody else."""
    address = f"{'x' * 900}@{'example.' * 20}org"
    if where == "sender":
        hold(store, sender=address)
        assert one(store, MESSAGE).sender == address
    else:
        hold(store, copy(address))
        assert one(store, COPY).rcpt_to == address


# The same message again


def test_a_retry_finds_what_is_there(store: Store) -> None:
    first = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    before = rows(store)
    hold(store, copy("bob@example.org"), copy("carol@example.org"))
    assert rows(store) == before
    assert set(states(store)) == {f"{first}.1", f"{first}.2"}
    assert seen(store) == [2, 2]


def test_a_retry_of_a_copy_that_goes_out(store: Store) -> None:
    hold(store, *parted("bob@example.org"))
    hold(store, *parted("bob@example.org", outbox=NewOutbox("f" * 16, Changes())))
    assert rows(store)["outbox"] == 1
    assert seen(store) == [2]


def test_a_retry_in_the_same_transaction(store: Store) -> None:
    store.write([message(store.spool), message(store.spool)])
    assert rows(store)["copy"] == 1
    assert seen(store) == [2]


def test_a_retry_with_one_more_recipient(store: Store) -> None:
    first = hold(store, copy("bob@example.org"))
    second = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    assert states(store) == {f"{first}.1": "held", f"{second}.1": "held"}


@pytest.mark.parametrize(
    "other",
    [{"raw": RAW + b"x"}, {"sender_key": "else@sender.example"}, {"copies": (copy("carol@example.org"),)},
     {"copies": (copy("bob@example.org", legs=("b@elsewhere.example",)),)}],
    ids=["content", "sender", "recipient", "legs"],
)  # fmt: skip
def test_another_message_is_another(store: Store, other: dict[str, Any]) -> None:
    hold(store)
    hold(store, *other.get("copies", ()), **{name: value for name, value in other.items() if name != "copies"})
    assert rows(store)["copy"] == 2
    assert seen(store) == [1, 1]


def again_after(store: Store, hours: float, state: State, answered: bool) -> bool:
    """Whether the same octets are another message, so many hours after a copy that is in some state now."""
    first = message(store.spool)
    store.write([first])
    if answered:
        store.answered([first])
    with store.transaction() as connection:
        connection.execute(update(MESSAGE).values(received_at=now() - timedelta(hours=hours)))
        connection.execute(update(COPY).values(state=state.value))
    hold(store)
    return rows(store)["copy"] == 2


@pytest.mark.parametrize(
    ("state", "hours", "again"),
    [("held", 23, False), ("held", 25, True), ("released", 0, True), ("delivered", 0, True)],
)
def test_after_an_answer(store: Store, state: str, hours: float, again: bool) -> None:
    """What comes now is no retry: it must not be lost for what somebody has already."""
    assert again_after(store, hours, State(state), answered=True) == again


@pytest.mark.parametrize(
    ("state", "hours", "again"),
    [
        ("held", 47, False),
        ("held", 49, True),
        ("delivered", 47, False),
        ("delivered", 49, True),
        ("deleted", 0, True),
        ("expired", 0, True),
    ],
)
def test_without_an_answer(store: Store, state: str, hours: float, again: bool) -> None:
    """What somebody has is not brought a second time; what is gone is held anew."""
    assert again_after(store, hours, State(state), answered=False) == again


def test_an_answer_is_that_of_its_recipients(store: Store) -> None:
    """An MTA brings the same octets in several transactions where there are many recipients."""
    store.write([message(store.spool, *parted("bob@example.org")), message(store.spool, *parted("carol@example.org"))])
    store.answered([message(store.spool, *parted("carol@example.org"))])
    hold(store, *parted("bob@example.org", "carol@example.org"))
    with store.transaction() as connection:
        query = select(COPY.c.recipient, COPY.c.seen).order_by(COPY.c.recipient, COPY.c.seen)
        found = [tuple(row) for row in connection.execute(query)]
    assert found == [("bob@example.org", 2), ("carol@example.org", 1), ("carol@example.org", 1)]


# Together with the removal of what is not needed


def test_a_content_that_is_collected_in_between_is_stored_again(store: Store) -> None:
    hold(store)
    new = message(store.spool, copy("carol@example.org"))
    transitions.expire(store, -1)
    assert not store.spool.holds(new.incoming.digest)
    store.write([new])
    assert store.spool.path(new.incoming.digest).read_bytes() == RAW
    assert contents(store) == {new.incoming.digest}


def test_what_cannot_be_stored_again_is_not_held(store: Store) -> None:
    new = message(store.spool)
    new.incoming.discard()
    store.spool.remove([new.incoming.digest])
    with pytest.raises(FileNotFoundError):
        store.write([new])
    assert rows(store) == {"content": 0, "message": 0, "copy": 0, "outbox": 0, "event": 0}


class Pause:
    """Stops one thread at a named point until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._name = name
        monkeypatch.setattr(faults, "point", self._point)

    def _point(self, name: str) -> None:
        if name == self._name and not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(30)


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Pause]:
    return lambda name: Pause(monkeypatch, name)


def waits(future: "Future[Any]") -> bool:
    """Whether something still waits after a moment; what should wait and does not is found, not always."""
    with pytest.raises(TimeoutError):
        future.result(0.3)
    return True


@pytest.mark.parametrize("point", ["collect.locked", "collect.unlinked"])
def test_who_holds_waits_for_the_removal(store: Store, pause: Callable[[str], Pause], point: str) -> None:
    hold(store)
    new = message(store.spool, copy("carol@example.org"))
    stopped = pause(point)
    with ThreadPoolExecutor(2) as threads:
        expiry = threads.submit(transitions.expire, store, -1)
        assert stopped.reached.wait(10)
        holding = threads.submit(store.write, [new])
        assert waits(holding)
        stopped.go_on.set()
        assert expiry.result(10) == 1
        holding.result(10)
    assert store.spool.path(new.incoming.digest).read_bytes() == RAW
    assert contents(store) == {new.incoming.digest}


@pytest.mark.parametrize("point", ["hold.locked", "hold.inserted"])
@pytest.mark.parametrize("known", [False, True], ids=["new content", "known content"])
def test_the_removal_waits_for_who_holds(store: Store, pause: Callable[[str], Pause], point: str, known: bool) -> None:
    """Also of a content that no transaction has written yet: an orphan, as it looks."""
    if known:
        hold(store)
        end_all(store)
    new = message(store.spool, copy("carol@example.org"))
    digest = new.incoming.digest
    stopped = pause(point)
    with ThreadPoolExecutor(2) as threads:
        holding = threads.submit(store.write, [new])
        assert stopped.reached.wait(10)
        removal = threads.submit(transitions.collect, store, [digest])
        assert waits(removal)
        stopped.go_on.set()
        holding.result(10)
        assert removal.result(10) == 0
    assert store.spool.path(digest).read_bytes() == RAW
    assert contents(store) == {digest}


def test_contents_are_locked_in_one_order(store: Store) -> None:
    """A hold of two contents and a removal of the same two: neither ends for the other's sake."""
    by_digest = {message(store.spool, raw=raw).incoming.digest: raw for raw in (RAW + b"0", RAW + b"1")}
    first, second = sorted(by_digest)
    # In the table the later one stands first.
    for digest in (second, first):
        hold(store, raw=by_digest[digest])
    end_all(store)
    if store.engine().dialect.name == "sqlite":
        assert transitions.collect(store, [first, second]) == 2 * len(RAW) + 2
        return
    both = [message(store.spool, copy("carol@example.org"), raw=raw) for raw in by_digest.values()]
    with ThreadPoolExecutor(2) as threads, store.engine().connect() as blocker:
        lock_contents(blocker, {first: 0})
        holding = threads.submit(store.write, both)
        assert waits(holding)
        removal = threads.submit(transitions.collect, store, [first, second])
        assert waits(removal)
        blocker.rollback()
        holding.result(20)
        # Which of the two comes first is the server's choice.
        assert removal.result(20) in (0, 2 * len(RAW) + 2)
    assert store.spool.holds(first)
    assert store.spool.holds(second)


@pytest.mark.parametrize("writers", [8])
def test_holding_and_removing_the_same_content(store: Store, writers: int) -> None:
    """Threads that hold one content for others, while others delete it: whatever is held can be read."""
    problems: list[str] = []
    stopping = threading.Event()

    def holds(number: int) -> None:
        for count in range(12):
            name = hold(store, copy(f"{number}-{count}@example.org"))
            with store.transaction() as connection:
                query = select(MESSAGE.c.digest).join(COPY, COPY.c.message_id == MESSAGE.c.id)
                found = connection.execute(query.where(COPY.c.id == f"{name}.1")).scalar_one()
            if store.spool.path(found).read_bytes() != RAW:
                problems.append(name)
            transitions.remove(store, [f"{name}.1"], "ann")

    def collects() -> None:
        while not stopping.is_set():
            transitions.collect(store, [*transitions.unneeded(store), *transitions.orphans(store)])

    with ThreadPoolExecutor(writers + 1) as threads:
        collecting = threads.submit(collects)
        try:
            for done in [threads.submit(holds, number) for number in range(writers)]:
                done.result(120)
        finally:
            stopping.set()
        collecting.result(30)
    assert problems == []
    transitions.collect(store, transitions.unneeded(store))
    assert list(store.spool.digests()) == []


# What a dead process leaves


def test_contents_that_a_dead_process_left(store: Store, spool: Spool) -> None:
    kept = message(store.spool, raw=RAW + b"kept")
    store.write([kept])
    hold(store)
    with store.transaction() as connection:
        ended = update(COPY).where(COPY.c.message_id != kept.id)
        connection.execute(ended.values(state=State.EXPIRED.value))
    alone = Incoming(spool)
    alone.write(b"named, and no more")
    alone.store()
    (unneeded,) = transitions.unneeded(store)
    assert transitions.orphans(store) == [alone.digest]
    assert transitions.collect(store, [unneeded, alone.digest]) == len(RAW) + alone.size
    assert list(spool.digests()) == [kept.incoming.digest]


def test_a_dead_process_between_the_file_and_its_row(store: Store) -> None:
    """The content was removed, and its row not: the next collection finishes it."""
    hold(store)
    age(store, 40)
    (digest,) = contents(store)
    end_all(store)
    store.spool.remove([digest])
    assert transitions.collect(store, transitions.unneeded(store)) == 0
    assert contents(store) == set()


def test_another_database_without_tables(tmp_path: Path, database_url: str) -> None:
    spool = Spool(tmp_path / "spool")
    store = Store(database_url, spool)
    hold(store)
    assert rows(store)["copy"] == 1
