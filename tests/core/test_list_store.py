"""Lists in the database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from tamis.list_store import ListStore
from tamis.lists import BadEntry, ListName

IP, SENDER = ListName.WHITELIST_IP, ListName.BLACKLIST_SENDER


@pytest.fixture
def store(tmp_path: Path) -> ListStore:
    return ListStore(f"sqlite:///{tmp_path}/tamis.db")


def test_reading_never_creates_the_database(tmp_path: Path, store: ListStore) -> None:
    assert store.version() == 0
    assert store.entries() == []
    assert not store.remove(IP, "192.0.2.7", "")
    assert list(tmp_path.iterdir()) == []


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


def test_the_version_changes_with_every_change_and_only_then(tmp_path: Path, store: ListStore) -> None:
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
    assert ListStore(f"sqlite:///{tmp_path}/tamis.db").version() == seen[-1]


def test_a_bad_value_changes_nothing(tmp_path: Path, store: ListStore) -> None:
    with pytest.raises(BadEntry):
        store.add(IP, "nonsense", "", by="ann")
    assert list(tmp_path.iterdir()) == []


def test_values_are_data(store: ListStore) -> None:
    evil = "o'brien;--%_@example.net"
    assert store.add(SENDER, evil, "", by="'; DROP TABLE list_entry; --")
    assert store.entries()[0].value == evil
    assert store.remove(SENDER, evil, "")


def test_an_empty_file_holds_no_entries(tmp_path: Path, store: ListStore) -> None:
    (tmp_path / "tamis.db").touch()
    assert (store.version(), store.entries()) == (0, [])


def test_what_is_no_database_raises(tmp_path: Path, store: ListStore) -> None:
    (tmp_path / "tamis.db").write_bytes(b"this is no database" * 100)
    for read in (store.version, store.entries):
        with pytest.raises(SQLAlchemyError):
            read()
