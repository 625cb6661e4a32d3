"""Everything is killed between every two steps, with PostgreSQL: no copy is lost, and what comes twice is counted."""

import pytest

from tamis.faults import POINTS
from tests.endtoend.faults import cases
from tests.endtoend.faults.cases import Outcome
from tests.endtoend.faults.databases import Postgresql
from tests.endtoend.faults.world import World

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.fixture(scope="module")
def database(postgresql_world: World) -> Postgresql:
    assert isinstance(postgresql_world.database, Postgresql)
    return postgresql_world.database


@pytest.mark.parametrize("victim", ["itself", "redis", "database", "supervisor"])
@pytest.mark.parametrize("point", POINTS)
def test_nothing_is_lost(
    postgresql_world: World, database: Postgresql, point: str, victim: str, table: list[Outcome]
) -> None:
    world = postgresql_world
    faults = {
        "itself": lambda: world.killed_itself(point),
        "redis": lambda: world.struck(point, world.redis_killed),
        "database": lambda: world.struck(point, database.killed),
        "supervisor": lambda: world.struck(point, world.supervisor_killed),
    }
    table.append(cases.run(world, point, victim, faults[victim]()))


def test_what_need_not_be_held_goes_on_meanwhile(postgresql_world: World, database: Postgresql) -> None:
    cases.turn_away(postgresql_world, database.killed)
