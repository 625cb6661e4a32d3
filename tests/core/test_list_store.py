"""Lists in the database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from tamis.database import open_database, sqlite_file
from tamis.list_store import ListStore
from tamis.lists import BadEntry, ListName

IP, SENDER = ListName.WHITELIST_IP, ListName.BLACKLIST_SENDER


@pytest.fixture
def store(database_url: str) -> ListStore:
    return ListStore(database_url)


def is_untouched(url: str) -> bool:
    """Whether the database is still as the fixture gave it: SQLite without a file, PostgreSQL without a table."""
    file = sqlite_file(url)
    return list(file.parent.iterdir()) == [] if file else inspect(open_database(url)).get_table_names() == []


def test_reading_never_creates_the_database(database_url: str, store: ListStore) -> None:
    assert store.version() == 0
    assert store.entries() == []
    assert not store.remove(IP, "192.0.2.7", "")
    assert is_untouched(database_url)


def test_add_and_read(store: ListStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    expires = datetime(2099, 1, 1, 12, tzinfo=UTC)
    assert store.add(IP, "192.0.2.0/24", "", by="ann", expires=expires, note="why")
    assert store.add(SENDER, "@Example.NET", "example.org", by="bob")
    sender, network = store.stored()
    assert (network.entry.value, network.entry.domain, network.entry.expires) == ("192.0.2.0/24", "", expires)
    assert (network.added_by, network.note) == ("ann", "why")
    assert network.added_at is not None
    assert before < network.added_at < datetime.now(UTC) + timedelta(seconds=1)
    assert (sender.entry.value, sender.entry.domain, sender.entry.expires) == ("example.net", "example.org", None)
    assert [stored.entry for stored in (sender, network)] == store.entries()
    assert store.stored(IP) == [network]
    assert store.stored(domain="example.org") == [sender]
    assert store.stored(IP, "example.org") == []


def test_adding_again_renews(store: ListStore) -> None:
    first = datetime(2099, 1, 1, tzinfo=UTC)
    assert store.add(IP, "192.0.2.7", "", by="ann", expires=first)
    assert not store.add(IP, " 192.0.2.7 ", "", by="bob", expires=first + timedelta(days=1))
    assert store.add(IP, "192.0.2.7", "example.org", by="bob")
    (entry,) = store.stored(domain="")
    assert (entry.added_by, entry.entry.expires) == ("bob", first + timedelta(days=1))


def test_expiry_is_kept_in_utc(store: ListStore) -> None:
    paris = datetime.fromisoformat("2099-01-01T12:00:00+01:00")
    store.add(IP, "192.0.2.7", "", by="ann", expires=paris)
    assert store.entries()[0].expires == paris


def test_remove(store: ListStore) -> None:
    store.add(SENDER, "ann@example.net", "", by="ann")
    assert not store.remove(SENDER, "ann@example.net", "example.org")
    assert not store.remove(ListName.WHITELIST_SENDER, "ann@example.net", "")
    assert store.remove(SENDER, "Ann@Example.net", "")
    assert not store.remove(SENDER, "ann@example.net", "")
    assert store.entries() == []


def test_the_version_changes_with_every_change_and_only_then(database_url: str, store: ListStore) -> None:
    seen = [store.version()]
    store.add(IP, "192.0.2.7", "", by="ann")
    seen.append(store.version())
    store.add(IP, "192.0.2.7", "", by="ann")
    seen.append(store.version())
    store.remove(IP, "192.0.2.7", "")
    seen.append(store.version())
    assert len(set(seen)) == 4
    store.remove(IP, "192.0.2.7", "")
    store.entries()
    assert store.version() == seen[-1]
    assert ListStore(database_url).version() == seen[-1]


def test_a_bad_value_changes_nothing(database_url: str, store: ListStore) -> None:
    for name, value in ((IP, "nonsense"), (SENDER, "a" * 400 + "@example.net")):
        with pytest.raises(BadEntry):
            store.add(name, value, "", by="ann")
    assert is_untouched(database_url)


def test_what_is_malware_is_it_for_all(database_url: str, store: ListStore) -> None:
    with pytest.raises(BadEntry, match="for the whole platform"):
        store.add(ListName.MALWARE_HASH, "a" * 64, "example.org", by="ann")
    assert is_untouched(database_url)
    assert store.add(ListName.MALWARE_HASH, "A" * 64, "", by="ann")
    assert store.remove(ListName.MALWARE_HASH, "a" * 64, "")


def test_every_list_is_kept(store: ListStore) -> None:
    values = {ListName.FLAGGED: f"2001:db8::7 {'a' * 40}", ListName.MALWARE_HASH: "a" * 64}
    for name in ListName:
        assert store.add(name, values.get(name, "192.0.2.7" if name.holds_networks else "example.net"), "", by="ann")
    assert {entry.list for entry in store.entries()} == set(ListName)


def test_values_are_data(store: ListStore) -> None:
    evil = "o'brien;--%_@example.net"
    assert store.add(SENDER, evil, "", by="'; DROP TABLE list_entry; --")
    assert store.entries()[0].value == evil
    assert store.remove(SENDER, evil, "")


@pytest.mark.parametrize("note", ["a\0b", "a\udcffb", "é" * 400, "%s %(x)s :x ? $1 {}"])
def test_any_text_is_kept_as_far_as_a_database_can(store: ListStore, note: str) -> None:
    assert store.add(IP, "192.0.2.7", "", by=note, note=note)
    (entry,) = store.stored()
    assert entry.note == entry.added_by == note.replace("\0", "?").replace("\udcff", "?")[:255]


def test_the_longest_values(store: ListStore) -> None:
    domain = ".".join(["d" * 63] * 3 + ["d" * 61])
    sender = "a" * 64 + "@" + domain
    assert store.add(SENDER, sender[:320], domain, by="b" * 255, note="n" * 255)
    assert store.entries()[0].value == sender[:320]


def test_entries_are_sorted_alike_everywhere(store: ListStore) -> None:
    values = ["b.example", "a.example", "a-b.example", "a@b.example", "_a.example", ".z.example"]
    for value in values:
        store.add(SENDER, value, "", by="ann")
    assert [entry.value for entry in store.entries()] == sorted(values)


def test_many_adds_at_once(database_url: str) -> None:
    """Each change raises the version by one, and of a value that all add at once only one is new."""
    adds = 12

    def add(number: int) -> tuple[bool, bool]:
        store = ListStore(database_url)
        return store.add(IP, "192.0.2.7", "", by="all"), store.add(IP, f"198.51.100.{number}", "", by="each")

    with ThreadPoolExecutor(adds) as threads:
        found = list(threads.map(add, range(adds)))
    store = ListStore(database_url)
    assert sorted(same for same, _ in found) == [False] * (adds - 1) + [True]
    assert all(own for _, own in found)
    assert len(store.entries()) == adds + 1
    assert store.version() == 2 * adds


def test_adds_and_removals_at_once(database_url: str) -> None:
    ListStore(database_url).add(IP, "192.0.2.7", "", by="ann")

    def change(number: int) -> bool:
        store = ListStore(database_url)
        if number % 2:
            return store.remove(IP, "192.0.2.7", "")
        return store.add(IP, "192.0.2.7", "", by="ann")

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(change, range(40)))
    added, removed = 1 + sum(found[::2]), sum(found[1::2])
    assert added - removed == len(ListStore(database_url).entries())


def test_an_empty_file_holds_no_entries(tmp_path: Path) -> None:
    store = ListStore(f"sqlite:///{tmp_path}/tamis.db")
    (tmp_path / "tamis.db").touch()
    assert (store.version(), store.entries()) == (0, [])


def test_what_is_no_database_raises(tmp_path: Path) -> None:
    store = ListStore(f"sqlite:///{tmp_path}/tamis.db")
    (tmp_path / "tamis.db").write_bytes(b"this is no database" * 100)
    for read in (store.version, store.entries):
        with pytest.raises(SQLAlchemyError):
            read()
