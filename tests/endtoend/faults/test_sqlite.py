"""Processes are killed between every two steps, with SQLite: no copy is lost, and what comes twice is counted."""

import os
import time

import pytest

from tamis.faults import POINTS
from tests.endtoend.faults import cases
from tests.endtoend.faults.cases import Outcome
from tests.endtoend.faults.mta import Letter
from tests.endtoend.faults.world import HELD, RECIPIENTS, World

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.mark.parametrize("victim", ["itself", "supervisor"])
@pytest.mark.parametrize("point", POINTS)
def test_nothing_is_lost(sqlite_world: World, point: str, victim: str, table: list[Outcome]) -> None:
    world = sqlite_world
    faults = {
        "itself": lambda: world.killed_itself(point),
        "supervisor": lambda: world.struck(point, world.supervisor_killed),
    }
    table.append(cases.run(world, point, victim, faults[victim]()))


def test_the_same_octets_sent_again_are_another_message(sqlite_world: World) -> None:
    """Whoever was answered does not try again: it is a second alarm of the same kind, and not to be lost."""
    world, letter = sqlite_world, Letter(RECIPIENTS)
    for _ in range(2):
        world.send(letter).wait()
        world.wait_quiet()
    deliveries = world.ledger.deliveries()
    assert [deliveries[letter.marker, recipient] for recipient in RECIPIENTS] == [0, 2, 2, 2]
    assert len(world.held([letter])) == 1
    world.insist("release", world.held([letter]))
    world.send(letter).wait()
    world.wait_quiet()
    states = [state for state, _, _ in world.ledger.copies()[letter.marker, HELD]]
    assert sorted(states) == ["delivered", "held"]


def test_what_the_dead_left_behind_is_swept(sqlite_world: World) -> None:
    world = sqlite_world
    long_ago = time.time() - 2 * 24 * 3600
    for path in (world.spool / "tmp").iterdir():
        os.utime(path, (long_ago, long_ago))
    assert world.command("sweep", None) is None
    assert world.command("expire", 30) is None
    assert world.ledger.unneeded() == set()
