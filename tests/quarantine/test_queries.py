"""Finding held mail: what matches, in which order, page by page, on both databases."""

import importlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import and_, delete, event, select, text

from tamis import schema
from tamis.filters.order import BY_NAME
from tamis.quarantine import queries, statistics, transitions
from tamis.quarantine.outbox import Outbox, Result
from tamis.quarantine.queries import Found, Wanted
from tamis.quarantine.records import State
from tamis.quarantine.rows import now
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.quarantine.tables import COPY, PAIRS_INDEX
from tamis.quarantine.words import OCTETS, pairs, plain, searchable, some_pairs
from tests.quarantine.held import RAW, age, copy, hold, parted, rows, states


def find(store: Store, limit: int = 50, after: str = "", **wanted: Any) -> list[Found]:
    with store.reading() as connection:
        assert connection is not None
        return queries.find(connection, Wanted(**wanted), limit, after)


def ids(found: list[Found]) -> list[str]:
    return [one.id for one in found]


def hold_one(store: Store, recipient: str = "bob@example.org", **values: Any) -> str:
    raw = RAW + repr((recipient, values)).encode()
    verdict = {name: values.pop(name) for name in ("row", "malware") if name in values}
    return f"{hold(store, copy(recipient, **verdict), raw=raw, **values)}.1"


# What matches


def test_what_is_listed(store: Store) -> None:
    name = hold_one(store, subject="hello", malware=True)
    (found,) = find(store)
    assert (found.id, found.message_id, found.state) == (name, name[:16], State.HELD)
    assert (found.recipient, found.sender, found.author, found.subject, found.peer) == (
        "bob@example.org",
        "ann@sender.example",
        "ann@sender.example",
        "hello",
        "192.0.2.7",
    )
    assert (found.row, found.row_name, found.score, found.level, found.malware) == ("27", "bayes", 8420, 7.5, True)
    assert (found.because, found.seen) == ("score 8.42 reaches the level 7.5", 1)
    assert abs(found.held_at - now()) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        ({"recipient": "bob@example.org"}, {"recipient": "carol@example.org"}),
        ({"domain": "example.org"}, {"domain": "example.net"}),
        ({"sender": "ann@sender.example"}, {"sender": "ann@else.example"}),
        ({"peer": "192.0.2.7"}, {"peer": "192.0.2.8"}),
        ({"queue_id": "4XyZ12"}, {"queue_id": "4XyZ1"}),
        ({"row": "27"}, {"row": "2"}),
        ({"states": [State.HELD]}, {"states": [State.RELEASED, State.EXPIRED]}),
        ({"text": "ello"}, {"text": "hullo"}),
    ],
    ids=lambda wanted: next(iter(wanted)),
)
def test_each_condition(store: Store, wanted: dict[str, Any], other: dict[str, Any]) -> None:
    name = hold_one(store)
    assert ids(find(store, **wanted)) == [name]
    assert find(store, **other) == []
    # And all of them together.
    everything = {"recipient": "bob@example.org", "domain": "example.org", "sender": "ann@sender.example",
                  "peer": "192.0.2.7", "row": "27", "text": "hello"}  # fmt: skip
    assert ids(find(store, **everything)) == [name]
    assert find(store, **{**everything, **other}) == []


def test_by_our_id(store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    hold(store, raw=RAW + b"other")
    assert sorted(ids(find(store, message_id=name))) == [f"{name}.1", f"{name}.2"]
    assert find(store, message_id="0" * 16) == []


def test_since_and_until(store: Store) -> None:
    old, middle, new = (hold_one(store, subject=word) for word in ("old", "middle", "new"))
    age(store, 20, old)
    age(store, 10, middle)
    assert ids(find(store, since=now() - timedelta(days=15))) == [new, middle]
    assert ids(find(store, until=now() - timedelta(days=5))) == [middle, old]
    assert ids(find(store, since=now() - timedelta(days=15), until=now() - timedelta(days=5))) == [middle]


@pytest.mark.parametrize(
    ("asked", "found"),
    [("HELLO", True), ("hello  world", True), ("lo wor", True), ("été", True), ("ÉTÉ", True), ("e\u0301te\u0301", True),
     ("ann@sender", True), ("Ann@SENDER", True), ("author.example", True), ("<id@", True), ("straße", True),
     ("STRASSE", True), ("", True), ("  ", True), ("100%", True), ("a_b", True), ("x/y", True), ("back\\slash", True),
     ("%", True), ("_", True), ("/", True), ("\\", True), ("%o", False), ("h%o", False), ("h_llo", False),
     ("100%%", False), ("a__b", False), ("hello\0", False), ("\udcff", False), ("world hello", False),
     ("' OR 1=1 --", False)],
)  # fmt: skip
def test_text(store: Store, asked: str, found: bool) -> None:
    hold_one(
        store,
        subject="Hello\n World, ÉTÉ Straße 100% a_b x/y back\\slash",
        author="mary@author.example",
        header_id="<id@sender.example>",
    )
    assert bool(find(store, text=asked)) == found
    assert bool(find(store, text=asked, domain="example.org")) == found
    assert bool(find(store, text=asked, sender="ann@sender.example")) == found


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=st.text(max_size=40), start=st.integers(0, 40), length=st.integers(1, 10))
def test_any_part_of_a_subject_is_found(store: Store, subject: str, start: int, length: int) -> None:
    name = hold_one(store, subject=subject)
    part = plain(subject)[start : start + length]
    assert name in ids(find(store, 1000, text=part))
    with store.transaction() as connection:
        connection.execute(delete(COPY))


# Order and pages


def test_the_newest_first_page_by_page(store: Store) -> None:
    names = [hold_one(store, subject=str(number)) for number in range(25)]
    for days, name in enumerate(reversed(names)):
        # Always two of the same moment.
        age(store, days // 2, name)
    with store.transaction() as connection:
        connection.execute(text("UPDATE copy SET held_at = (SELECT max(held_at) FROM copy) WHERE id IN (:a, :b)"),
                           {"a": names[-1], "b": names[-2]})  # fmt: skip
    transitions.release(store, names[::3], "ann", "")
    transitions.remove(store, names[1::6], "ann")
    whole = find(store, 100)
    assert sorted(ids(whole)) == sorted(names)
    assert [one.held_at for one in whole] == sorted((one.held_at for one in whole), reverse=True)
    pages: list[Found] = []
    while page := find(store, 4, pages[-1].id if pages else ""):
        pages += page
    assert ids(pages) == ids(whole)
    held = find(store, 100, states=[State.HELD])
    assert ids(held) == [one.id for one in whole if one.state is State.HELD]
    sender = "ann@sender.example"
    assert ids(find(store, 100, sender=sender)) == ids(whole)
    assert ids(find(store, 4, ids(whole)[6], sender=sender)) == ids(whole)[7:11]


def test_a_page_after_nothing(store: Store) -> None:
    with pytest.raises(KeyError):
        find(store, after="0123456789abcdef.1")


# One message


def test_by_name(store: Store) -> None:
    name = hold(store, *(copy(f"{number}@example.org") for number in range(11)))
    with store.reading() as connection:
        assert connection is not None
        assert ids(queries.named(connection, name)) == [f"{name}.{number}" for number in range(1, 12)]
        assert ids(queries.named(connection, f"{name}.11")) == [f"{name}.11"]
        for wrong in ("", "0" * 16, f"{name}.12", name.upper(), f"{name}.", f"{name}%", name[:15], f"{name}.1\n"):
            assert queries.named(connection, wrong) == []


def test_all_that_is_known(store: Store) -> None:
    name = hold(store, copy("bob@example.org"), *parted("carol@example.org"))
    transitions.release(store, [f"{name}.1"], "ann", "X-WL", "please")
    outbox = Outbox(store)
    for outgoing in outbox.claim(20):
        (one,) = outgoing.recipients
        refused = one.copy_id.endswith(".1")
        reply = "550 nobody" if refused else "451 later"
        outbox.record(outgoing, [Result(one.copy_id, reply, one.addresses, refused)])
    with store.reading() as connection:
        assert connection is not None
        whole = queries.whole(connection, queries.named(connection, name))
    assert (whole.row["id"], whole.row["helo"]) == (name, "mail.sender.example")
    first, second = whole.copies
    assert [(event["state"], event["by"]) for event in first.events] == [("released", "ann"), ("held", "outbox")]
    assert (first.row["state"], first.outbox) == ("held", None)
    assert second.outbox is not None
    assert (second.outbox["last_reply"], second.outbox["tries"]) == ("451 later", 1)


def test_all_held_copies_of_an_address(store: Store) -> None:
    first, second = hold_one(store, subject="1"), hold_one(store, subject="2")
    hold_one(store, "carol@example.org")
    gone = hold_one(store, subject="3")
    transitions.remove(store, [gone], "ann")
    with store.reading() as connection:
        assert connection is not None
        assert queries.held_of(connection, "bob@example.org") == [first, second]
        assert queries.held_of(connection, "nobody@example.org") == []


# How much there is


def test_amounts(store: Store) -> None:
    hold(store, copy("bob@example.org"), copy("carol@example.org"))
    old = hold_one(store, "bob@example.org", subject="old")
    age(store, 7, old)
    hold_one(store, "dave@example.net")
    gone = hold_one(store, subject="gone")
    transitions.remove(store, [gone], "ann")
    hold(store, *parted("erin@example.org"), raw=RAW + b"parted")
    with store.reading() as connection:
        assert connection is not None
        total = statistics.amount(connection)
        domain = statistics.amount(connection, domain="example.org")
        bob = statistics.amount(connection, "bob@example.org")
        domains = statistics.amounts(connection)
        addresses = statistics.amounts(connection, "example.org")
        contents, octets = statistics.spooled(connection)
        (waiting,) = statistics.waiting(connection)
        nobody = statistics.amount(connection, "nobody@example.org")
        elsewhere = statistics.waiting(connection, domain="example.net")
    assert {state.value: number for state, number in total.copies.items() if number} == {
        "held": 4,
        "released": 1,
        "deleted": 1,
    }
    assert (domain.whose, domain.held, bob.whose, bob.held) == ("example.org", 3, "bob@example.org", 2)
    assert [(one.whose, one.held) for one in domains] == [("example.org", 3), ("example.net", 1)]
    assert [(one.whose, one.held) for one in addresses] == [
        ("bob@example.org", 2),
        ("carol@example.org", 1),
        ("erin@example.org", 0),
    ]
    assert bob.oldest is not None
    assert abs(now() - timedelta(days=7) - bob.oldest) < timedelta(minutes=1)
    assert bob.octets == addresses[0].octets
    assert total.octets == sum(one.octets for one in domains)
    assert contents == len(list(store.spool.digests()))
    assert octets == sum(store.spool.path(digest).stat().st_size for digest in store.spool.digests())
    assert (waiting.reply, waiting.copies, waiting.tries) == ("", 1, 0)
    assert (nobody.held, nobody.octets, nobody.oldest, elsewhere) == (0, 0, None, [])


def test_answers_of_the_outbox(store: Store) -> None:
    hold(store, *parted("bob@example.org", "carol@example.org"))
    hold(store, *parted("dave@example.net"), raw=RAW + b"x")
    outbox = Outbox(store)
    outgoing = outbox.claim(1)[0]
    results = [Result(one.copy_id, "451 later", one.addresses) for one in outgoing.recipients]
    outbox.record(outgoing, results, uncertain=True)
    with store.reading() as connection:
        assert connection is not None
        found = statistics.waiting(connection)
        assert [(one.reply, one.copies, one.tries) for one in found] == [("451 later", 2, 1), ("", 1, 0)]
        assert [one.copies for one in statistics.waiting(connection, domain="example.net")] == [1]
        assert [one.copies for one in statistics.waiting(connection, "bob@example.org")] == [1]
        assert statistics.possible_duplicates(connection) == 1


# Databases


def test_reading_makes_no_tables(database_url: str, spool: Spool) -> None:
    from sqlalchemy import inspect

    from tamis.database import open_database, sqlite_file

    with Store(database_url, spool).reading() as connection:
        assert connection is None
    file = sqlite_file(database_url)
    assert not file.exists() if file else inspect(open_database(database_url)).get_table_names() == []


def test_tables_of_another_version(store: Store, database_url: str, spool: Spool) -> None:
    with store.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(schema.SchemaError, match="run tamis database upgrade"), Store(database_url, spool).reading():
        pass


def test_postgresql_finds_words_by_its_index(store: Store) -> None:
    if store.engine().dialect.name == "sqlite":
        return
    hold_one(store, subject="hello")
    conditions = and_(*queries._of_the_copy(Wanted(text="qz")))
    with store.transaction() as connection:
        held = and_(*queries._in_state(connection, State.HELD, Wanted(text="qz")))
        query = select(COPY.c.id).where(conditions, held)
        # Of so few it would read them all.
        connection.execute(text("DROP INDEX copy_state, copy_domain, copy_recipient"))
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        asked = query.compile(connection, compile_kwargs={"render_postcompile": True})
        plan = connection.exec_driver_sql(f"EXPLAIN {asked}", asked.params).scalars()
        assert any(PAIRS_INDEX in step for step in plan)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "copy_state"),
        ({"recipient": "bob@example.org"}, "copy_recipient"),
        ({"domain": "example.org"}, "copy_domain"),
        ({"text": "hello"}, "copy_state"),
        ({"row": "27"}, "copy_state"),
    ],
)
def test_a_page_is_chosen_from_an_index_alone(tmp_path: Path, spool: Spool, wanted: dict[str, Any], index: str) -> None:
    """Of SQLite, which knows nothing of how many there are: an index that has the order leads it to read all others."""
    store = Store(f"sqlite:///{tmp_path}/tamis.db", spool)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine(), "before_cursor_execute", note)
    find(store, states=[State.HELD], **wanted)
    statement, parameters = next(one for one in asked if "UNION" in one[0] or "JOIN message" in one[0])
    with store.transaction() as connection:
        plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert any(f"COVERING INDEX {index} " in step for step in plan), plan


def test_what_was_held_before_the_index_is_found(store: Store) -> None:
    if store.engine().dialect.name == "sqlite":
        return
    held, gone = hold_one(store, subject="hello"), hold_one(store, subject="goodbye")
    transitions.remove(store, [gone], "ann")
    with store.transaction() as connection:
        connection.execute(text("ALTER TABLE copy DROP COLUMN pairs"))
        connection.execute(text("CREATE INDEX copy_words ON copy (id)"))
        with Operations.context(MigrationContext.configure(connection)):
            importlib.import_module("tamis.migrations.versions.0006_indices_of_copies").upgrade()
    with store.transaction() as connection:
        assert schema.differences(connection) == []
        assert connection.execute(text("SELECT 1 FROM pg_indexes WHERE indexname = 'copy_words'")).first() is None
    assert [one.id for one in find(store, text="ll", states=tuple(State))] == [held]
    assert [one.id for one in find(store, text="oo", states=tuple(State))] == [gone]


# Words


@given(st.text(max_size=60).map(plain), st.data())
def test_a_part_of_a_text_has_pairs_of_it(whole: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(whole)))
    part = whole[start : data.draw(st.integers(start, len(whole)))]
    some = some_pairs(part)
    assert set(some) <= set(pairs(whole))
    assert (len(some) > 0) == (part != "")
    assert len(some) <= 8
    assert all(0 <= one < 2**31 for one in pairs(whole))


@pytest.mark.slow
@given(st.lists(st.text(max_size=400), max_size=6))
def test_words_have_room_in_every_index(texts: list[str]) -> None:
    found = searchable(texts)
    assert len(found.encode()) <= OCTETS
    assert "\0" not in found
    lines = found.split("\n") if found else []
    assert len(lines) == len(set(lines))
    if texts and len("".join(texts).encode()) < OCTETS / 20:
        assert all(plain(one) in found for one in texts)


def test_the_longest_of_everything_can_be_held(store: Store) -> None:
    chance = [chr(0x20000 + (number * 7919) % 40_000) for number in range(3000)]
    wide = "".join(chance)
    row = BY_NAME["bayes"]
    hold(
        store,
        copy(f"{wide[:2000]}@{'a.' * 120}org", row=row, because=wide),
        subject=wide[:900],
        sender=wide[900:1800],
        sender_key=wide[900:1800],
        author=wide[1800:],
        header_id=wide[::-1],
    )
    assert rows(store)["copy"] == len(states(store)) == 1
    assert len(find(store, text=wide[5:40])) == 1
