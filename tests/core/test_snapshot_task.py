"""The keeper's snapshot follows the database, and outlasts it."""

import logging
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tamis.config import Config, parse
from tamis.database import open_database
from tamis.engine import Engine, worker_engine
from tamis.keeper_tasks import tasks
from tamis.list_store import ListStore
from tamis.lists import Entry, ListName
from tamis.policy_store import policies_task
from tamis.snapshot import StoredLists, snapshot_path
from tamis.snapshot_task import ListsNotRead, SnapshotTask
from tamis.testing import mail
from tests.postgresql import Cluster

PEER, OTHER = "192.0.2.7", "192.0.2.8"
LIST = ListName.BLACKLIST_IP


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return configured(tmp_path, database_url)


def configured(folder: Path, url: str = "", lists: str = "") -> Config:
    state = folder / "state"
    state.mkdir(exist_ok=True)
    return parse(f'[daemon]\nstate_directory = "{state}"\n[database]\nurl = "{url}"\n[lists]\n{lists}\n', "x")


@pytest.fixture
def store(config: Config) -> ListStore:
    return ListStore(config.database_url)


def stored(config: Config) -> StoredLists:
    with snapshot_path(config).open("rb") as file:
        return StoredLists(file)


def listed(config: Config, value: str = PEER) -> Entry | None:
    return stored(config).find(LIST, "", value)


def row_of(engine: Engine) -> str:
    asked = mail("From: Ann <ann@example.net>\n\nbody\n", sender="ann@example.net", peer=PEER)
    (verdict,) = engine.examine(asked).verdicts
    return verdict.row.name if verdict.row else ""


def test_changes_are_written(config: Config, store: ListStore) -> None:
    task = SnapshotTask(config)
    task.run()
    assert stored(config).header.entries == 0
    end = datetime(2099, 1, 1, tzinfo=UTC)
    store.add(LIST, PEER, "", by="ann", expires=end)
    task.run()
    assert listed(config) == Entry(LIST, PEER, "", "added by ann", end)
    assert [listed(config)] == store.entries()
    assert stored(config).header.version == store.version()
    store.remove(LIST, PEER, "")
    task.run()
    assert listed(config) is None


def test_what_did_not_change_is_not_written_again(config: Config, store: ListStore) -> None:
    store.add(LIST, PEER, "", by="ann")
    task = SnapshotTask(config)
    task.run()
    before = snapshot_path(config).stat()
    task.run()
    assert snapshot_path(config).stat() == before


@pytest.mark.parametrize("how", ["removed", "damaged", "another"])
def test_a_file_that_is_not_what_was_written_is_written_anew(config: Config, store: ListStore, how: str) -> None:
    store.add(LIST, PEER, "", by="ann")
    task = SnapshotTask(config)
    task.run()
    path = snapshot_path(config)
    if how == "removed":
        path.unlink()
    elif how == "damaged":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        shutil.copy(path, path.with_name("copy"))
        os.replace(path.with_name("copy"), path)
    before = path.stat() if path.exists() else None
    task.run()
    assert path.stat() != before
    assert listed(config) is not None


def test_the_first_time_it_is_always_written(config: Config, store: ListStore) -> None:
    """The number may be that of a backup, which has other entries."""
    store.add(LIST, PEER, "", by="ann")
    SnapshotTask(config).run()
    with open_database(config.database_url).begin() as connection:
        connection.execute(text("UPDATE list_entry SET value = '192.0.2.8'"))
    SnapshotTask(config).run()
    assert listed(config) is None
    assert listed(config, OTHER) is not None


def test_what_has_ended_is_not_carried_along(config: Config, store: ListStore) -> None:
    store.add(LIST, PEER, "", by="ann", expires=datetime.now(UTC) - timedelta(seconds=1))
    store.add(LIST, OTHER, "", by="ann", expires=datetime.now(UTC) + timedelta(hours=1))
    SnapshotTask(config).run()
    assert stored(config).header.entries == 1


def test_all_of_many_entries_are_written(config: Config, store: ListStore) -> None:
    """More than are fetched at once."""
    store.add(LIST, PEER, "", by="ann")
    row = "'whitelist_sender', 'example.org', 'user' || n || '@example.net', 'bob', '2024-01-01 00:00:00', ''"
    numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 12000)"
    insert = "INSERT INTO list_entry (list, domain, value, added_by, added_at, note)"
    if config.database_url.startswith("postgresql"):
        row = row.replace("'2024-01-01 00:00:00'", "timestamp '2024-01-01 00:00:00'")
    with open_database(config.database_url).begin() as connection:
        connection.execute(text(f"{insert} {numbers} SELECT {row} FROM numbers"))  # noqa: S608
    SnapshotTask(config).run()
    found = stored(config)
    assert found.header.entries == 12001
    for number in (1, 5000, 5001, 12000):
        value = f"user{number}@example.net"
        expected = Entry(ListName.WHITELIST_SENDER, value, "example.org", "added by bob")
        assert found.find(ListName.WHITELIST_SENDER, "example.org", value) == expected


def test_senseless_entries_are_said_once(config: Config, store: ListStore, caplog: pytest.LogCaptureFixture) -> None:
    store.add(LIST, OTHER, "", by="ann")
    with open_database(config.database_url).begin() as connection:
        connection.execute(text("UPDATE list_entry SET list = 'no_such_list'"))
    task = SnapshotTask(config)
    for _ in range(2):
        store.add(LIST, PEER, "", by="ann")
        task.run()
    assert listed(config) is not None
    assert [record.getMessage() for record in caplog.records] == [
        "list entries that make no sense to this version are left out: 1"
    ]


def test_a_database_that_does_not_exist_yet_has_no_lists(tmp_path: Path) -> None:
    config = configured(tmp_path)
    SnapshotTask(config).run()
    assert stored(config).header.entries == 0
    assert {path.name for path in config.state_directory.iterdir()} == {"snapshot"}
    policies_task(config).run()
    assert worker_engine(config, "").ready


def test_a_database_that_is_damaged_leaves_the_last_good_lists(tmp_path: Path) -> None:
    config = configured(tmp_path)
    database = config.state_directory / "tamis.db"
    ListStore(config.database_url).add(LIST, PEER, "", by="ann")
    task = SnapshotTask(config)
    task.run()
    good = database.read_bytes()
    database.write_bytes(b"this is no database" * 1000)
    for each in (task, SnapshotTask(config)):
        with pytest.raises(ListsNotRead, match="the last good lists stay: file is not a database"):
            each.run()
        assert listed(config) is not None
    # As it was, and yet it is read again: it may be a backup with the same number.
    database.write_bytes(good)
    before = snapshot_path(config).stat()
    task.run()
    assert snapshot_path(config).stat() != before


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_database_that_has_no_lists_any_more_is_rather_away(tmp_path: Path, how: str) -> None:
    """As where its file system is not mounted: that must not lift every list."""
    config = configured(tmp_path)
    database = config.state_directory / "tamis.db"
    ListStore(config.database_url).add(LIST, PEER, "", by="ann")
    task = SnapshotTask(config)
    task.run()
    database.unlink() if how == "gone" else database.write_bytes(b"")
    for each in (task, SnapshotTask(config)):
        with pytest.raises(ListsNotRead, match=f"{database} has no lists any more; to begin anew, remove .*snapshot$"):
            each.run()
        assert listed(config) is not None
    # Two ways on: another first entry, or what the line says.
    if how == "gone":
        with pytest.raises(OperationalError, match=r"tamis\.db is gone: put it back, or to begin anew remove .*-made"):
            ListStore(config.database_url).add(LIST, OTHER, "", by="ann")
        Path(f"{database}-made").unlink()
    ListStore(config.database_url).add(LIST, OTHER, "", by="ann")
    task.run()
    assert (listed(config), listed(config, OTHER) is None) == (None, False)
    database.unlink()
    snapshot_path(config).unlink()
    task.run()
    assert stored(config).header.entries == 0


def test_another_database_without_lists_has_none(tmp_path: Path) -> None:
    config = configured(tmp_path)
    ListStore(config.database_url).add(LIST, PEER, "", by="ann")
    SnapshotTask(config).run()
    SnapshotTask(configured(tmp_path, f"sqlite:///{tmp_path}/other.db")).run()
    assert listed(config) is None


def test_a_database_that_cannot_be_seen_is_away(tmp_path: Path) -> None:
    """Not known to exist is not known not to exist."""
    config = configured(tmp_path, f"sqlite:///{tmp_path}/{'x' * 300}/tamis.db")
    with pytest.raises(ListsNotRead, match=r"there are none yet: .*name too long"):
        SnapshotTask(config).run()
    assert not worker_engine(config, "").ready


@pytest.mark.servers
def test_a_server_that_is_away_leaves_the_last_good_lists(cluster: Cluster, tmp_path: Path) -> None:
    config = configured(tmp_path, cluster.new_database())
    store = ListStore(config.database_url)
    store.add(LIST, PEER, "", by="ann")
    task = SnapshotTask(config)
    task.run()
    cluster.stop()
    try:
        for each in (task, SnapshotTask(config)):
            with pytest.raises(ListsNotRead, match="the last good lists stay: connection failed"):
                each.run()
        assert row_of(worker_engine(config, "")) == "blacklisted-ip"
    finally:
        cluster.start()
    store.remove(LIST, PEER, "")
    task.run()
    assert row_of(worker_engine(config, "")) == ""


def test_a_worker_takes_up_what_the_keeper_writes(config: Config, store: ListStore) -> None:
    task = next(task for task in tasks(config, "") if task.name == "snapshot")
    task.run()
    engine = worker_engine(config, "")
    before = engine.snapshot
    engine.refresh()
    assert engine.snapshot is before
    store.add(LIST, PEER, "", by="ann")
    task.run()
    assert row_of(engine) == ""
    engine.refresh()
    assert row_of(engine) == "blacklisted-ip"


def test_a_worker_without_any_lists_is_not_ready(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = configured(tmp_path, lists=f'blacklist_ip = ["{PEER}"]')
    policies_task(config).run()
    engine = worker_engine(config, "")
    for _ in range(3):
        engine.refresh()
    assert not engine.ready
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("lists not read, there are none but those of the configuration yet: ")
    assert row_of(engine) == "blacklisted-ip"

    SnapshotTask(config).run()
    engine.refresh()
    assert engine.ready
    assert row_of(engine) == "blacklisted-ip"


def test_a_worker_without_any_policies_is_not_ready(tmp_path: Path) -> None:
    config = configured(tmp_path)
    SnapshotTask(config).run()
    engine = worker_engine(config, "")
    assert not engine.ready
    policies_task(config).run()
    engine.refresh()
    assert engine.ready


def test_a_worker_keeps_what_it_has_mapped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = configured(tmp_path)
    ListStore(config.database_url).add(LIST, PEER, "", by="ann")
    policies_task(config).run()
    SnapshotTask(config).run()
    engine = worker_engine(config, "")
    for content in (b"this is no snapshot" * 10, b"", None):
        path = snapshot_path(config)
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        for _ in range(3):
            engine.refresh()
        assert engine.ready
        assert row_of(engine) == "blacklisted-ip"
    (record,) = (record for record in caplog.records if "lists" in record.message)
    assert record.levelno == logging.WARNING
    said = "lists not read, the last good ones stay: the snapshot: not a file of this version"
    assert record.getMessage().startswith(said)

    SnapshotTask(config).run()
    engine.refresh()
    snapshot_path(config).unlink()
    engine.refresh()
    assert [record.levelno for record in caplog.records if "lists" in record.message] == 2 * [logging.WARNING]
