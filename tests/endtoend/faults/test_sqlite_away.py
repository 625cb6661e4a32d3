"""SQLite's file is locked, or cannot be opened, between every two steps: what cannot be held is asked for again."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tamis.faults import POINTS
from tests.endtoend.faults import cases
from tests.endtoend.faults.cases import Outcome
from tests.endtoend.faults.databases import Sqlite
from tests.endtoend.faults.world import World

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.fixture(scope="module")
def database(sqlite_world: World) -> Sqlite:
    assert isinstance(sqlite_world.database, Sqlite)
    return sqlite_world.database


@pytest.mark.parametrize("point", POINTS)
def test_nothing_is_lost_while_it_cannot_be_opened(
    sqlite_world: World, database: Sqlite, point: str, table: list[Outcome]
) -> None:
    table.append(cases.run(sqlite_world, point, "unreadable", sqlite_world.struck(point, database.away)))


# Within a transaction nobody else can lock it.
@pytest.mark.parametrize("point", ["spool.settled", "send.accepted", "release.asked"])
def test_nothing_is_lost_while_it_is_locked(
    sqlite_world: World, database: Sqlite, point: str, table: list[Outcome]
) -> None:
    table.append(cases.run(sqlite_world, point, "locked", sqlite_world.struck(point, database.locked)))


def test_what_need_not_be_held_goes_on_meanwhile(sqlite_world: World, database: Sqlite) -> None:
    cases.turn_away(sqlite_world, database.away)


@pytest.mark.parametrize("point", ["spool.written", "spool.synced"])
def test_a_spool_that_takes_nothing(sqlite_world: World, point: str) -> None:
    """As on a disk that says only when it syncs that it is full."""
    armed = sqlite_world.faults / f"{point}.error"

    @contextmanager
    def failing() -> Iterator[None]:
        armed.touch()
        yield
        armed.unlink()

    cases.turn_away(sqlite_world, failing)
