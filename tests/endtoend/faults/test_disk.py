"""The disk is full, or read-only: what must be held is asked for again, all else goes on, nothing unfinished stays."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tamis.limits import MIB
from tests.endtoend.faults import cases
from tests.endtoend.faults.databases import Sqlite
from tests.endtoend.faults.disk import CannotMount, SmallDisk, small_disk
from tests.endtoend.faults.mta import Letter
from tests.endtoend.faults.world import HELD, RECIPIENTS, World, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

SIZES = [100, 2 * MIB, 5 * MIB]
"""Kept in memory; in a file; in a file, and larger than what filters look at."""


@pytest.fixture(scope="module")
def spool_disk() -> Iterator[SmallDisk]:
    yield from _disk()


@pytest.fixture(scope="module")
def database_disk() -> Iterator[SmallDisk]:
    """Another than the spool's, which cannot become read-only while a database is written there."""
    yield from _disk()


def _disk() -> Iterator[SmallDisk]:
    try:
        with small_disk() as disk:
            yield disk
    except CannotMount as error:
        pytest.skip(f"no disk can be mounted here: {error}")


@pytest.fixture(scope="module")
def spool_world(_can_run: None, spool_disk: SmallDisk) -> Iterator[World]:
    """The spool is on the small disk."""
    with World(Sqlite(), f'[quarantine]\nspool = "{spool_disk.folder}/spool"\n') as world:
        yield world


@pytest.fixture(scope="module")
def database_world(_can_run: None, database_disk: SmallDisk) -> Iterator[World]:
    """The database is on the small disk."""
    with World(Sqlite(f"sqlite:///{database_disk.folder}/tamis.db")) as world:
        yield world


def check(world: World, size: int, trouble: Callable[[], AbstractContextManager[None]]) -> None:
    """Nothing unfinished is left of what was turned away."""
    cases.turn_away(world, trouble, size)
    assert world.command("sweep", None) is None
    assert world.ledger.unneeded() == set()


@pytest.mark.parametrize("size", SIZES)
def test_spool_without_room(spool_world: World, spool_disk: SmallDisk, size: int) -> None:
    check(spool_world, size, spool_disk.full)


@pytest.mark.parametrize(("size", "room"), [(2 * MIB, 100_000), (2 * MIB, 3 * MIB // 2), (5 * MIB, 9 * MIB // 2)])
def test_spool_without_room_for_all_of_it(spool_world: World, spool_disk: SmallDisk, size: int, room: int) -> None:
    check(spool_world, size, lambda: spool_disk.full(but=room))


@pytest.mark.parametrize("size", SIZES)
def test_spool_read_only(spool_world: World, spool_disk: SmallDisk, size: int) -> None:
    check(spool_world, size, spool_disk.read_only)


@pytest.mark.parametrize("size", SIZES)
def test_database_without_room(database_world: World, database_disk: SmallDisk, size: int) -> None:
    check(database_world, size, database_disk.full)


def test_full_disk_while_copies_are_sent_and_removed(database_world: World, database_disk: SmallDisk) -> None:
    """What was written before stays as it was; commands fail until there is room, and then do what was asked."""
    world = database_world
    released, expired, _ = letters = [Letter(RECIPIENTS) for _ in range(3)]
    world.send(*letters).wait()
    world.age(expired, 31)

    ids = world.held([released])
    world.wait_quiet()
    # Otherwise what is small finds room in SQLite's log as it was left.
    wait_until(lambda: world.database.run("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0, "the log is not emptied")
    with database_disk.full():
        assert str(world.command("release", ids)).startswith("OperationalError")
        assert str(world.command("expire", 30)).startswith("OperationalError")
    fates, _ = world.ledger.fates(letters)
    assert {fates[letter.marker, HELD] for letter in letters} == {"held"}
    world.insist("release", ids)
    world.insist("expire", 30)
    world.wait_quiet()
    fates, twice = world.ledger.fates(letters)
    assert [fates[letter.marker, HELD] for letter in letters] == ["delivered", "expired", "held"]
    assert twice == 0


def test_expiry_on_a_read_only_spool_is_made_good(spool_world: World, spool_disk: SmallDisk) -> None:
    world, letter = spool_world, Letter(RECIPIENTS)
    world.send(letter).wait()
    world.wait_quiet()
    world.age(letter, 31)
    with spool_disk.read_only():
        assert "Read-only" in str(world.command("expire", 30))
    assert world.command("expire", 30) is None
    assert world.ledger.fates([letter])[0][letter.marker, HELD] == "expired"
    assert world.ledger.unneeded() == set()
