"""Changes of state: each happens once, whoever else wants another at the same moment."""

import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from tamis.filters.order import BY_NAME
from tamis.quarantine import transitions
from tamis.quarantine.records import decode_changes
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.quarantine.tables import CONTENT, COPY, OUTBOX
from tamis.sender_weights import Event
from tamis.weight_store import Lesson, WeightStore
from tests.quarantine.held import FIELDS, RAW, age, contents, copy, events, hold, message, parted, rows, states

pytestmark = pytest.mark.slow

WL = "X-Icodia-SpamFilter-WL"


def release(store: Store, *copy_ids: str) -> list[str]:
    return transitions.release(store, copy_ids, "ann", WL)


def hold_many(store: Store, number: int) -> list[str]:
    new = [message(store.spool, copy(f"{count}@example.org"), raw=RAW + b"%d" % count) for count in range(number)]
    store.write(new)
    return sorted(states(store))


# Release


def test_release(store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org", legs=("a@mail.example", "b@mail.example")))
    one, other = f"{name}.1", f"{name}.2"
    assert transitions.release(store, [one, other, "nobody.1"], "ann", WL, "asked by phone") == [one, other]
    assert states(store) == {one: "released", other: "released"}
    assert events(store, one) == [("released", "ann", "asked by phone")]
    with store.transaction() as connection:
        query = select(OUTBOX, COPY).join(COPY, COPY.c.outbox_id == OUTBOX.c.id).order_by(COPY.c.id)
        first, second = connection.execute(query).all()
    assert (first.kind, first.expand, first.message_id, first.changed_by) == ("release", True, name, "ann")
    assert not second.expand, "addresses that an alias stood for are not expanded again"
    assert decode_changes(first.changes).add == [(WL, "Released by ann"), *FIELDS]
    assert not decode_changes(first.changes).remove, "the octets stay as they came"


def test_a_release_teaches_of_the_sender(store: Store, database_url: str) -> None:
    """Once for a message and domain, whoever of the domain it was for; what is malware teaches nothing."""
    weights, lesson = WeightStore(database_url, 90.0), Lesson(Event.RELEASE, 90.0)
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"), copy("eve@other.example"))
    virus = hold(store, copy("bob@example.org", malware=True), raw=RAW + b"2", sender_key="virus@sender.example")
    null = hold(store, copy("bob@example.org"), raw=RAW + b"3", sender_key="")
    ids = [f"{name}.1", f"{name}.2", f"{name}.3", f"{virus}.1", f"{null}.1"]
    for _ in range(2):
        transitions.release(store, ids, "ann", WL, malware=True, lesson=lesson)
    learned = [(one.domain, one.sender, round(one.now, 2), one.changed_by) for one in weights.known()]
    assert learned == [
        ("example.org", "ann@sender.example", 2.0, "ann"),
        ("other.example", "ann@sender.example", 2.0, "ann"),
    ]


def test_release_again_does_nothing(store: Store) -> None:
    name = hold(store)
    assert release(store, f"{name}.1", f"{name}.1") == [f"{name}.1"]
    before = rows(store)
    assert release(store, f"{name}.1") == []
    assert rows(store) == before


def test_what_is_found_to_be_malware_later_is_not_released(store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"), *parted("dave@example.org"))
    held = [f"{name}.1", f"{name}.2"]
    row = BY_NAME["antivirus-1"]
    assert transitions.take_for_malware(store, name, row, "AV1_MALWARE", "main finds Evil") == sorted(held)
    assert release(store, *held) == []
    assert transitions.release(store, held[:1], "ann", WL, malware=True) == held[:1]
    with store.transaction() as connection:
        found = connection.execute(select(COPY.c.malware, COPY.c.row, COPY.c.test, COPY.c.because).distinct()).all()
    assert (True, "1", "AV1_MALWARE", "main finds Evil") in found
    assert len(found) == 2, "what is on its way is not held any more"
    assert events(store, held[1]) == [("held", "antivirus-1", "main finds Evil")]
    assert transitions.take_for_malware(store, "nobody", row, "AV1_MALWARE", "x") == []


def test_release_without_a_header(store: Store) -> None:
    name = hold(store)
    transitions.release(store, [f"{name}.1"], "ann", "")
    with store.transaction() as connection:
        assert decode_changes(connection.execute(select(OUTBOX.c.changes)).scalar_one()).add == list(FIELDS)


def test_who_releases_is_written_safely(store: Store) -> None:
    name = hold(store)
    transitions.release(store, [f"{name}.1"], "ann\r\nBcc: all@example.org\0\udcff", WL, "no\0te")
    with store.transaction() as connection:
        changes = connection.execute(select(OUTBOX.c.changes)).scalar_one()
    assert msgspec.json.decode(changes)["add"][0] == [WL, "Released by ann??Bcc: all@example.org??"]
    assert events(store, f"{name}.1") == [("released", "ann\r\nBcc: all@example.org??", "no?te")]


def test_malware_is_not_released_by_the_way(store: Store) -> None:
    name = hold(store, copy("bob@example.org", malware=True), copy("carol@example.org"))
    assert release(store, f"{name}.1", f"{name}.2") == [f"{name}.2"]
    assert states(store) == {f"{name}.1": "held", f"{name}.2": "released"}
    assert transitions.release(store, [f"{name}.1"], "ann", WL, malware=True) == [f"{name}.1"]


def test_release_of_many(store: Store) -> None:
    ids = hold_many(store, 1100)
    assert release(store, *reversed(ids)) == ids
    assert set(states(store).values()) == {"released"}


# Delete


def test_remove(store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    (digest,) = contents(store)
    assert transitions.remove(store, [f"{name}.1"], "ann", "unwanted") == [f"{name}.1"]
    assert events(store, f"{name}.1") == [("deleted", "ann", "unwanted")]
    assert store.spool.holds(digest), "carol's copy needs it"
    assert transitions.remove(store, [f"{name}.1", f"{name}.2"], "ann") == [f"{name}.2"]
    assert not store.spool.holds(digest)
    assert contents(store) == set()
    assert transitions.remove(store, [f"{name}.1", "nobody.1"], "ann") == []
    assert release(store, f"{name}.1") == []


def test_a_content_stays_while_another_message_needs_it(store: Store) -> None:
    first, second = hold(store), hold(store, copy("carol@example.org"))
    (digest,) = contents(store)
    transitions.remove(store, [f"{first}.1"], "ann")
    assert store.spool.holds(digest)
    transitions.remove(store, [f"{second}.1"], "ann")
    assert not store.spool.holds(digest)


def test_what_is_on_its_way_needs_its_content(store: Store) -> None:
    hold(store, *parted("bob@example.org"))
    (digest,) = contents(store)
    assert transitions.unneeded(store) == []
    assert transitions.collect(store, [digest]) == 0
    assert store.spool.holds(digest)
    assert transitions.remove(store, list(states(store)), "ann") == [], "nobody deletes what the sender may have"


# Time


def test_expire(store: Store) -> None:
    old, new = hold(store), hold(store, copy("carol@example.org"))
    age(store, 31, f"{old}.1")
    assert transitions.expire(store, 30) == 1
    assert states(store) == {f"{old}.1": "expired", f"{new}.1": "held"}
    assert events(store, f"{old}.1") == [("expired", "time", "")]
    assert transitions.expire(store, 30) == 0


def test_expire_leaves_what_is_no_longer_held(store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    release(store, f"{name}.1")
    age(store, 31)
    assert transitions.expire(store, 30) == 1
    assert states(store) == {f"{name}.1": "released", f"{name}.2": "expired"}


def test_expiry_of_many_says_how_far_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "_EXPIRED_TOGETHER", 500)
    hold_many(store, 1100)
    age(store, 31)
    said: list[tuple[int, int]] = []
    assert transitions.expire(store, 30, lambda copies, octets: said.append((copies, octets))) == 1100
    assert [copies for copies, _ in said] == [500, 500, 100]
    assert sum(octets for _, octets in said) == sum(len(RAW + b"%d" % count) for count in range(1100))
    assert list(store.spool.digests()) == []


def test_forget(store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    other = hold(store, raw=RAW + b"x")
    transitions.remove(store, [f"{name}.1", f"{other}.1"], "ann")
    age(store, 91, f"{name}.1", f"{name}.2", f"{other}.1")
    assert transitions.forget(store, 90) == 2
    assert states(store) == {f"{name}.2": "held"}
    assert rows(store) == {"content": 1, "message": 1, "copy": 1, "outbox": 0, "event": 0}
    assert transitions.forget(store, 90) == 0


def test_forget_counts_from_the_end(store: Store) -> None:
    """Held long ago, deleted today: remembered."""
    name = hold(store)
    age(store, 100)
    transitions.remove(store, [f"{name}.1"], "ann")
    assert transitions.forget(store, 90) == 0


def test_what_is_forgotten_gives_the_disk_back(tmp_path: Path, spool: Spool) -> None:
    store = Store(f"sqlite:///{tmp_path}/tamis.db", spool)
    ids = hold_many(store, 1000)
    file = tmp_path / "tamis.db"
    full = file.stat().st_size
    transitions.remove(store, ids, "ann")
    age(store, 100)
    assert transitions.forget(store, 90) == 1000
    assert file.stat().st_size < full / 4
    hold(store)


def test_a_database_that_cannot_give_back(tmp_path: Path, spool: Spool) -> None:
    """As Tamis made them once."""
    with sqlite3.connect(tmp_path / "tamis.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE anothers (id INTEGER)")
    store = Store(f"sqlite:///{tmp_path}/tamis.db", spool)
    transitions.remove(store, hold_many(store, 1000), "ann")
    age(store, 100)
    assert transitions.forget(store, 90) == 1000


def test_what_is_needed_is_found_from_the_content(tmp_path: Path, spool: Spool) -> None:
    """Not from all that is held: the expiry of many would take time with their square."""
    store = Store(f"sqlite:///{tmp_path}/tamis.db", spool)
    query = select(CONTENT.c.digest).where(CONTENT.c.digest == "x", transitions._needed(CONTENT.c.digest))
    text = str(query.compile(store.engine(), compile_kwargs={"literal_binds": True}))
    with store.transaction() as connection:
        plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert any("message_digest" in step for step in plan)
    assert any("copy_message" in step for step in plan)


# At the same moment

Change = Callable[[Store, list[str]], object]
CHANGES: dict[str, Change] = {
    "release": lambda store, ids: release(store, *ids),
    "delete": lambda store, ids: transitions.remove(store, ids, "bob"),
    "expire": lambda store, ids: transitions.expire(store, 30),
}
AFTER = {"release": "released", "delete": "deleted", "expire": "expired"}
THREADS = 8


@pytest.mark.parametrize("pair", list(combinations_with_replacement(CHANGES, 2)), ids="-".join)
def test_of_two_changes_one_happens(store: Store, pair: tuple[str, str]) -> None:
    ids = hold_many(store, 24)
    age(store, 31)
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        chance = random.Random(number)
        mine = chance.sample(ids, len(ids))
        start.wait(30)
        if number % 4 < 2:
            # One after the other, and all in one transaction: in every order.
            for one in mine:
                CHANGES[pair[number % 2]](store, [one])
        CHANGES[pair[number % 2]](store, mine)

    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(run, number) for number in range(THREADS)]:
            done.result(120)
    found = states(store)
    assert set(found.values()) <= {AFTER[name] for name in pair}
    assert all(len(events(store, one)) == 1 for one in ids)
    assert rows(store)["outbox"] == Counter(found.values())["released"]
    assert set(store.spool.digests()) == contents(store)
    assert len(contents(store)) == Counter(found.values())["released"]


def test_forgetting_at_the_same_moment(store: Store) -> None:
    ids = hold_many(store, 600)
    transitions.remove(store, ids, "ann")
    age(store, 100)
    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(lambda _: transitions.forget(store, 90), range(THREADS)))
    assert sum(found) + transitions.forget(store, 90) == 600
    assert rows(store) == {"content": 0, "message": 0, "copy": 0, "outbox": 0, "event": 0}
