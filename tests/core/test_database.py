"""Opening a database: what a url may be, and a server that restarts, goes away and comes back."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from tamis.cli import main
from tamis.config import parse
from tamis.database import BadDatabaseUrl, DriverMissing, first_line, name_of, open_database, write_ahead
from tamis.engine import Engine
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.postfix.ports import free_ports
from tamis.testing import mail
from tests.postgresql import Cluster

pytestmark = pytest.mark.usefixtures("no_network")

PEER = "192.0.2.7"


def row_of(engine: Engine) -> str:
    (verdict,) = engine.examine(
        mail("From: Ann <ann@example.net>\n\nbody\n", sender="ann@example.net", peer=PEER)
    ).verdicts
    return verdict.row.name if verdict.row else ""


def engine_on(url: str, folder: Path) -> Engine:
    return Engine(parse(f'[daemon]\nstate_directory = "{folder}"\n[database]\nurl = "{url}"\n', "x"))


# Urls


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://a/b", "postgresql+psycopg2://a/b", "postgresql+nonsense://a/b", "sqlite+aiosqlite:////x.db",
     "sqlite://", "sqlite:///:memory:", "postgresql://a:b/c", "postgresql://[::1/c"],
)  # fmt: skip
def test_a_url_that_names_no_database(url: str) -> None:
    for use in (open_database, name_of, ListStore):
        with pytest.raises(BadDatabaseUrl, match=r"^not a database"):
            use(url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:////var/lib/tamis/tamis.db", "/var/lib/tamis/tamis.db"),
        ("postgresql+psycopg://tamis:secret@db.example:5433/mail?password=secret", "mail on db.example"),
        ("postgresql://tamis@/mail?host=/run/postgresql", "mail on /run/postgresql"),
        ("postgresql://tamis@", "tamis on this machine"),
        ("postgresql://", "the default database on this machine"),
    ],
)
def test_the_name_of_a_database_holds_no_password(url: str, name: str) -> None:
    assert name_of(url) == name


def test_a_driver_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DriverMissing, match=r"^its driver is missing: .*psycopg.*: install tamis\[postgresql\]$"):
        open_database("postgresql://tamis@db.example/tamis")
    assert row_of(engine_on("postgresql://tamis@db.example/tamis", tmp_path)) == ""


@pytest.mark.slow
def test_the_driver_is_loaded_once_for_all_workers(tmp_path: Path) -> None:
    text = f'[daemon]\nstate_directory = "{tmp_path}"\n[database]\nurl = "postgresql://tamis@db.example/tamis"\n'
    code = (
        "import sys; from tamis.config import parse; from tamis.engine import preload;"
        f"preload(parse({text!r}, 'x')); print('psycopg' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_an_error_is_one_line() -> None:
    assert first_line(ValueError("first\nsecond")) == "first"
    assert first_line(ValueError("")) == ""
    several = "Several attempts failed. All failures were:\n- host: 'a': refused\n- host: 'b': refused"
    assert first_line(ValueError(several)) == "Several attempts failed. All failures were: - host: 'a': refused"


# A server that is not there

servers = pytest.mark.servers


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """The url of an empty database; a server that a test stopped runs again afterwards."""
    yield cluster.new_database()
    cluster.start()


@servers
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_workers_keep_the_last_good_lists_and_recover(
    cluster: Cluster, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, how: signal.Signals
) -> None:
    store = ListStore(url)
    store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
    engine = engine_on(url, tmp_path)
    cluster.stop(how)
    for _ in range(3):
        engine.refresh()
    assert row_of(engine) == "blacklisted-ip"
    warnings = [record.getMessage().partition(": connection failed")[0] for record in caplog.records]
    kept = [
        f"{what} not read, the last good ones stay" for what in ("lists", "known files", "known images", "policies")
    ]
    # Without a daemon policies are asked for in the database, owner by owner.
    assert warnings[:4] == kept
    assert set(warnings[4:]) <= {kept[-1]}
    with pytest.raises(OperationalError):
        store.add(ListName.WHITELIST_IP, PEER, "", by="ann")
    assert row_of(engine_on(url, tmp_path)) == ""

    cluster.start()
    engine.refresh()
    assert row_of(engine) == "blacklisted-ip"
    assert store.remove(ListName.BLACKLIST_IP, PEER, "")
    engine.refresh()
    assert row_of(engine) == ""


@servers
def test_a_restart_between_two_uses_is_not_noticed(
    cluster: Cluster, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = ListStore(url)
    engine = engine_on(url, tmp_path)
    for number in range(2):
        store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
        engine.refresh()
        cluster.stop()
        cluster.start()
        assert len(store.entries()) == 1, number
    engine.refresh()
    assert row_of(engine) == "blacklisted-ip"
    assert caplog.records == []


@servers
def test_a_connection_cut_in_the_middle_changes_nothing(cluster: Cluster, url: str) -> None:
    store = ListStore(url)
    store.add(ListName.BLACKLIST_IP, PEER, "", by="ann")
    before = (store.version(), store.entries())
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tamis' AND state <> 'idle'"

    def change() -> None:
        with store.change() as connection:
            connection.exec_driver_sql("DELETE FROM list_entry")
            assert cluster.run(cut) == [(True,)]

    with pytest.raises(OperationalError):
        change()
    assert (store.version(), store.entries()) == before


@servers
@pytest.mark.parametrize(
    "command",
    ["list show", "list add whitelist-ip 192.0.2.9", "list remove whitelist-ip 192.0.2.9", "policy example.org",
     "database check", "database upgrade"],
)  # fmt: skip
def test_commands_say_in_one_line_that_the_server_is_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for module in ("list", "database"):
        monkeypatch.setattr(f"tamis.commands.{module}.become_service_user", lambda config: None)
    url = f"postgresql+psycopg://tamis:secret@127.0.0.1:{free_ports(1)[0]}/tamis"
    config = tmp_path / "tamis.toml"
    config.write_text(f'[daemon]\nstate_directory = "{tmp_path}"\n[database]\nurl = "{url}"\n', "utf-8")
    assert main([*command.split(), "-c", str(config)]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("tamis: database: connection failed: ")
    assert "Connection refused" in err
    assert "secret" not in err


@servers
def test_a_user_who_may_not_make_tables_is_told_so(cluster: Cluster) -> None:
    url = cluster.new_database().replace("tamis@", "guest@")
    cluster.run("DROP ROLE IF EXISTS guest")
    cluster.run("CREATE ROLE guest LOGIN")
    with pytest.raises(Exception, match="permission denied for schema public") as refused:
        ListStore(url).add(ListName.WHITELIST_IP, PEER, "", by="ann")
    assert first_line(refused.value) == "permission denied for schema public"


@servers
def test_the_unix_socket(cluster: Cluster) -> None:
    url = cluster.new_database()
    port, _, name = url.rpartition(":")[2].partition("/")
    store = ListStore(f"postgresql+psycopg://tamis@:{port}/{name}?host={cluster.sockets}")
    assert store.add(ListName.WHITELIST_IP, PEER, "", by="ann")
    assert ListStore(url).entries() == store.entries()


def test_new_file_that_another_process_means_to_fill(tmp_path: Path) -> None:
    ours, other = (
        sqlite3.connect(tmp_path / "tamis.db", isolation_level=None, check_same_thread=False) for _ in range(2)
    )
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    done.start()
    write_ahead(ours.cursor())
    done.join()
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    ours.close()
    other.close()


# A file of SQLite that is away


@pytest.mark.slow
def test_a_file_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    """Who puts a backup back would find its tables mixed with what was written meanwhile."""
    file = tmp_path / "our 1#.db"
    url = f"sqlite:///{file}"
    store = ListStore(url)
    with store.change():
        pass
    aside = file.rename(tmp_path / "aside.db")
    for one in (store, ListStore(url)):
        gone = pytest.raises(OperationalError, match=f"{file} is gone: put it back, or .* remove {file}-made")
        with gone, one.change():
            pass
    assert not file.exists()
    aside.rename(file)
    for one in (store, ListStore(url)):
        with one.change():
            pass
    file.unlink()
    (tmp_path / "our 1#.db-made").unlink()
    with ListStore(url).change():
        pass
