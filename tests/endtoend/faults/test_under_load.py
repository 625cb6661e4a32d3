"""One thing breaks while mail comes in, and every copy of every message is found: delivered, or held."""

import pytest

from tests.endtoend.faults import under_load
from tests.endtoend.faults.tasks import CannotLimit
from tests.endtoend.faults.world import World

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.mark.parametrize("what", under_load.CASES)
def test_nothing_is_lost(sqlite_world: World, what: str) -> None:
    duplicates = sqlite_world.ledger.possible_duplicates()
    try:
        found = under_load.run(sqlite_world, what, a_second=10.0, broken=1.0, before=0.3)
    except CannotLimit as error:
        pytest.skip(f"tasks cannot be limited here: {error}")
    print(found)
    assert found.messages
    # What is counted is an upper bound.
    assert found.twice <= sqlite_world.ledger.possible_duplicates() - duplicates
    assert set(found.fates) <= {"delivered", "held"}
