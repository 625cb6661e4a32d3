"""Whether a database is as it was, seen from outside."""

import sqlite3
import time
from pathlib import Path

import pytest

from tamis import resting
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.resting import stamp_of


def ban(store: ListStore, number: int) -> None:
    store.add(ListName.BAN_IP, f"192.0.2.{number}", "", by="ann")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tamis.db"


@pytest.fixture
def store(file: Path) -> ListStore:
    store = ListStore(f"sqlite:///{file}")
    ban(store, 7)
    return store


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to rest."""
    monkeypatch.setattr(resting, "_REST_NANOSECONDS", 0)


def test_what_was_written_just_now_tells_nothing(store: ListStore, file: Path) -> None:
    assert stamp_of(file) is None
    time.sleep(1.1)
    assert stamp_of(file) is not None


def test_what_is_no_file_tells_nothing(file: Path) -> None:
    assert stamp_of(None) is None
    assert stamp_of(file) is None
    assert stamp_of(file / "below") is None


@pytest.mark.usefixtures("later")
def test_readers_change_nothing(store: ListStore, file: Path) -> None:
    before = stamp_of(file)
    for _ in range(3):
        assert store.entries()
        with sqlite3.connect(file) as connection:
            connection.execute("SELECT * FROM version").fetchall()
            during = stamp_of(file)
        connection.close()
        assert before == during == stamp_of(file) is not None


def test_a_new_file_can_give_its_pages_back(store: ListStore, file: Path) -> None:
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    connection.close()


@pytest.mark.usefixtures("later")
def test_every_change_shows_while_others_keep_it_open(store: ListStore, file: Path) -> None:
    kept = sqlite3.connect(file)
    kept.execute("SELECT * FROM version").fetchall()
    seen = [stamp_of(file)]
    for number in range(1, 4):
        time.sleep(0.02)
        ban(store, number)
        seen.append(stamp_of(file))
    kept.close()
    time.sleep(0.02)
    file.chmod(0o600)
    seen.append(stamp_of(file))
    assert None not in seen
    assert len(set(seen)) == 5


@pytest.mark.usefixtures("later")
def test_a_version_is_read_again_only_after_a_change(
    store: ListStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = store.read

    def counted() -> object:
        nonlocal reads
        reads += 1
        return read()

    monkeypatch.setattr(store, "read", counted)
    first = store.version()
    assert [store.version() for _ in range(5)] == [first] * 5
    assert reads == 1
    time.sleep(0.02)
    ban(ListStore(f"sqlite:///{file}"), 8)
    assert store.version() == first + 1
    time.sleep(0.02)
    file.rename(file.with_name("away"))
    assert store.version() == 0
    file.with_name("away").rename(file)
    assert store.version() == first + 1
