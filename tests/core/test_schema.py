"""The tables are made and changed by migrations only, on SQLite and PostgreSQL alike."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, inspect, text
from sqlalchemy.exc import SQLAlchemyError

import tamis.migrations
from tamis import schema
from tamis.cli import main
from tamis.database import LIST_ENTRY, METADATA, VERSION, first_line, name_of, open_database
from tamis.list_store import ListStore
from tamis.lists import ListName

ROOT = Path(__file__).parents[2]
IP = ListName.WHITELIST_IP


@pytest.fixture
def engine(database_url: str) -> Engine:
    return open_database(database_url)


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def differences(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return schema.differences(connection)


def revision(engine: Engine) -> str:
    with engine.connect() as connection:
        return schema.revision(connection)


def make_tables_of_the_first_days(engine: Engine) -> None:
    """As Tamis made them before there were migrations, with an entry in them."""
    METADATA.create_all(engine, tables=[LIST_ENTRY, VERSION])
    with engine.begin() as connection:
        connection.execute(
            insert(LIST_ENTRY).values(
                list=IP.value, domain="", value="192.0.2.7", added_by="ann", added_at=datetime(2026, 1, 2), note="old"
            )
        )
        connection.execute(insert(VERSION).values(name="lists", number=7))


# Upgrades


def test_from_nothing(engine: Engine) -> None:
    assert revision(engine) == schema.UNNUMBERED
    assert schema.upgrade(engine) == schema.UNNUMBERED
    assert schema.upgrade(engine) == revision(engine) == schema.REVISION
    assert set(inspect(engine).get_table_names()) == {*METADATA.tables, "alembic_version"}


def test_the_tables_are_those_of_the_model(engine: Engine) -> None:
    schema.upgrade(engine)
    assert differences(engine) == []


def test_a_difference_is_found(engine: Engine) -> None:
    schema.upgrade(engine)
    run(engine, "ALTER TABLE list_entry DROP COLUMN note", "CREATE TABLE anothers (id INTEGER)")
    (difference,) = differences(engine)
    assert "note" in difference


def test_the_newest_migration_is_the_one_the_code_wants() -> None:
    from alembic.script import ScriptDirectory

    found = ScriptDirectory.from_config(schema.alembic_config())
    assert found.get_heads() == [schema.REVISION]
    numbers = [step.revision for step in found.walk_revisions()]
    assert numbers == sorted(numbers, reverse=True)
    assert all(re.fullmatch("[0-9]{4}", number) for number in numbers)


def test_the_first_tables_are_taken_over_with_what_they_hold(engine: Engine, database_url: str) -> None:
    make_tables_of_the_first_days(engine)
    store = ListStore(database_url)
    (before,) = store.stored()
    assert (before.added_at, store.version()) == (datetime(2026, 1, 2, tzinfo=UTC), 7)
    assert store.add(IP, "192.0.2.8", "", by="bob")
    assert revision(engine) == schema.REVISION
    assert store.stored()[0] == before
    assert (len(store.stored()), store.version()) == (2, 8)
    assert differences(engine) == []


@pytest.mark.parametrize("table", [LIST_ENTRY, VERSION], ids=str)
def test_first_tables_of_which_only_one_was_made(engine: Engine, database_url: str, table: Any) -> None:
    """As a power cut between the two left them."""
    METADATA.create_all(engine, tables=[table])
    store = ListStore(database_url)
    assert (store.version(), store.entries()) == (0, [])
    assert not store.remove(IP, "192.0.2.7", "")
    assert store.add(IP, "192.0.2.7", "", by="ann")
    assert differences(engine) == []


def test_another_programs_tables_are_left_alone(engine: Engine) -> None:
    run(engine, "CREATE TABLE version (major INTEGER)", "INSERT INTO version VALUES (3)")
    with pytest.raises(schema.SchemaError, match="its table 'version' is not of Tamis: give Tamis a database"):
        schema.upgrade(engine)
    assert inspect(engine).get_table_names() == ["version"]


def test_an_upgrade_that_fails_leaves_everything_as_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic.operations import Operations

    make_table = Operations.create_table

    def fail_at_the_second(self: Operations, name: str, *columns: Any, **options: Any) -> Any:
        if name == "version":
            raise RuntimeError("the power is gone")
        return make_table(self, name, *columns, **options)

    monkeypatch.setattr(Operations, "create_table", fail_at_the_second)
    with pytest.raises(RuntimeError, match="power"):
        schema.upgrade(engine)
    assert inspect(engine).get_table_names() == []
    monkeypatch.undo()
    schema.upgrade(engine)
    assert differences(engine) == []


@pytest.mark.parametrize("old", [False, True], ids=["nothing", "first tables"])
def test_many_upgrades_at_once(engine: Engine, database_url: str, old: bool) -> None:
    if old:
        make_tables_of_the_first_days(engine)
    with ThreadPoolExecutor(8) as threads:
        before = list(threads.map(lambda _: schema.upgrade(open_database(database_url)), range(8)))
    assert sorted(before) == [schema.UNNUMBERED] + [schema.REVISION] * 7
    assert differences(engine) == []
    assert ListStore(database_url).version() == (7 if old else 0)


@pytest.mark.slow
def test_two_processes_upgrade_at_once(engine: Engine, database_url: str, tmp_path: Path) -> None:
    config = configure(tmp_path, database_url)
    command = [sys.executable, "-m", "tamis.cli", "database", "upgrade", "-c", str(config)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    name = name_of(database_url)
    assert sorted(said) == [
        (f"{name}: upgraded to version {schema.REVISION}\n", ""),
        (f"{name}: version {schema.REVISION}, up to date\n", ""),
    ]
    assert differences(engine) == []


# Versions that do not fit


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("9999", f"its version 9999 is newer than {schema.REVISION}, which this Tamis knows: update Tamis"),
        ("ae1027a6acf", "its version 'ae1027a6acf' is none of Tamis: is it another program's?"),
    ],
)
def test_a_version_that_is_not_known_is_refused(engine: Engine, database_url: str, found: str, said: str) -> None:
    store = ListStore(database_url)
    store.add(IP, "192.0.2.7", "", by="ann")
    run(engine, f"UPDATE alembic_version SET version_num = '{found}'")  # noqa: S608
    for use in (store.version, store.entries, lambda: store.add(IP, "192.0.2.8", "", by="ann")):
        with pytest.raises(schema.SchemaError) as refused:
            use()
        assert first_line(refused.value) == said
    run(engine, f"UPDATE alembic_version SET version_num = '{schema.REVISION}'")  # noqa: S608
    assert len(store.entries()) == 1


# Commands


def configure(folder: Path, url: str) -> Path:
    file = folder / "tamis.toml"
    state = f'[daemon]\nuser = "root"\nstate_directory = "{folder}"\n'
    file.write_text(f'{state}[database]\nurl = "{url}"\n', "utf-8")
    return file


@pytest.fixture
def tamis_database(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Runs `tamis database ACTION`; returns its exit status and the one line it said without the database's name."""
    monkeypatch.setattr("tamis.commands.database.become_service_user", lambda config: None)
    config = configure(tmp_path, database_url)

    def run(action: str) -> tuple[int, str]:
        status = main(["database", action, "-c", str(config)])
        said = "".join(capsys.readouterr())
        assert said.count("\n") == 1
        return status, said.removeprefix("tamis: ").removeprefix(name_of(database_url)).strip(": \n")

    return run


def test_check_and_upgrade(tamis_database: Any) -> None:
    status, said = tamis_database("check")
    assert status == 0
    assert re.fullmatch("(not there|no tables) yet; the first change makes (it|them)", said)
    assert tamis_database("upgrade") == (0, f"upgraded to version {schema.REVISION}")
    assert tamis_database("upgrade") == (0, f"version {schema.REVISION}, up to date")
    assert tamis_database("check") == (0, f"version {schema.REVISION}, up to date")


def test_check_of_the_first_tables(tamis_database: Any, engine: Engine) -> None:
    make_tables_of_the_first_days(engine)
    assert tamis_database("check") == (
        1,
        f"tables of version unknown, not {schema.REVISION}: run tamis database upgrade",
    )
    assert tamis_database("upgrade") == (0, f"upgraded to version {schema.REVISION}")
    assert tamis_database("check") == (0, f"version {schema.REVISION}, up to date")


def test_check_of_damaged_tables(tamis_database: Any, engine: Engine) -> None:
    schema.upgrade(engine)
    run(engine, "ALTER TABLE list_entry DROP COLUMN note")
    status, said = tamis_database("check")
    assert status == 1
    assert said.startswith(f"version {schema.REVISION}, but its tables are not as they should be: ")


def test_check_of_a_newer_database(tamis_database: Any, engine: Engine) -> None:
    schema.upgrade(engine)
    run(engine, "UPDATE alembic_version SET version_num = '9999'")
    for action in ("check", "upgrade"):
        said = f"database: its version 9999 is newer than {schema.REVISION}, which this Tamis knows: update Tamis"
        assert tamis_database(action) == (1, said)


# What is imported when


def test_alembic_is_loaded_only_for_its_work(engine: Engine, database_url: str, tmp_path: Path) -> None:
    schema.upgrade(engine)
    config = str(configure(tmp_path, database_url))
    commands = ["list show", "list add whitelist-ip 192.0.2.8", "database upgrade", "database check"]
    code = "import sys, tamis.cli\n" + "".join(
        f"print('said', tamis.cli.main({[*command.split(), '-c', config]}), 'alembic' in sys.modules)\n"
        for command in commands
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    said = [line for line in done.stdout.splitlines() if line.startswith("said ")]
    assert said == ["said 0 False", "said 0 False", "said 0 False", "said 0 True"], done.stderr


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_migration_is_never_run_by_importing_it() -> None:
    (folder,) = tamis.migrations.__path__
    files = sorted(Path(folder, "versions").glob("[0-9]*.py"))
    assert files
    for file in files:
        spec = spec_from_file_location("migration", file)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.revision == file.name[:4]


def test_an_unknown_failure_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SQLAlchemyError) as failed:
        schema.upgrade(open_database(f"sqlite:///{tmp_path}/no/such/folder/tamis.db"))
    assert first_line(failed.value) == "unable to open database file"
