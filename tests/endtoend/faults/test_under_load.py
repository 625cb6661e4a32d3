"""One thing breaks while mail comes in, and every copy of every message is found: delivered, or held."""

from collections.abc import Iterator

import pytest

from tests.endtoend.faults import under_load
from tests.endtoend.faults.breakages import AROUND, CASES
from tests.endtoend.faults.disk import CannotMount
from tests.endtoend.faults.surroundings import Surroundings, world_with
from tests.endtoend.faults.tasks import CannotLimit
from tests.endtoend.faults.world import World

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.fixture(scope="module")
def surrounded(_can_run: None, request: pytest.FixtureRequest) -> Iterator[tuple[World, Surroundings]]:
    try:
        with world_with(request.param) as made:
            yield made
    except CannotMount as error:
        # A container may deny mounts even to root; on a machine of its own this is never reached.
        pytest.skip(f"no disk can be mounted here: {error}")


@pytest.mark.parametrize(("surrounded", "what"), [(AROUND[what], what) for what in CASES], indirect=["surrounded"])
def test_nothing_is_lost(surrounded: tuple[World, Surroundings], what: str) -> None:
    world, around = surrounded
    duplicates = world.ledger.possible_duplicates()
    try:
        found = under_load.run(world, around, what, a_second=10.0, broken=1.0, before=0.3)
    except CannotLimit as error:
        # Control groups are the real root's: a user namespace (scripts/as-root.sh) has none to make.
        pytest.skip(f"tasks cannot be limited here: {error}")
    print(found)
    assert found.messages
    # What is counted is an upper bound.
    assert found.twice <= world.ledger.possible_duplicates() - duplicates
    assert set(found.fates) <= {"delivered", "held"}
