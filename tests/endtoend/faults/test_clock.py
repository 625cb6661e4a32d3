"""The clock jumps by a day, forwards or backwards: nothing is lost or sent twice, and time ends within a day of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tamis.postfix import client
from tests.endtoend.faults.clock import Clock, settable_clock
from tests.endtoend.faults.databases import Sqlite
from tests.endtoend.faults.mta import SPAMMER, Letter
from tests.endtoend.faults.world import HELD, RECIPIENTS, World, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

both_ways = pytest.mark.parametrize("days", [1, -1])


@pytest.fixture(scope="module")
def module_clock() -> Iterator[Clock]:
    with settable_clock() as clock:
        yield clock


@pytest.fixture(scope="module")
def world(_can_run: None, module_clock: Clock) -> Iterator[World]:
    with World(Sqlite(), environment=module_clock.environment) as world:
        yield world


@pytest.fixture
def clock(module_clock: Clock) -> Iterator[Clock]:
    yield module_clock
    module_clock.set(0)


def assert_fates(world: World, letters: list[Letter], *states: str) -> None:
    fates, twice = world.ledger.fates(letters)
    assert [fates.pop((letter.marker, HELD)) for letter in letters] == list(states)
    assert set(fates.values()) == {"delivered"}
    assert (twice, world.ledger.possible_duplicates()) == (0, 0)


@both_ways
def test_while_messages_are_held_tried_again_and_sent(world: World, clock: Clock, days: int) -> None:
    released, kept, retried, under_way, later = letters = [Letter(RECIPIENTS) for _ in range(5)]
    world.send(released, kept).wait()
    world.wait_quiet()
    failing = world.faults / "send.content.error"
    failing.touch()
    world.send(retried).wait()
    wait_until(lambda: {tries for (tries,) in world.database.run("SELECT tries FROM outbox")} == {2}, "not tried twice")
    failing.unlink()
    paused = world.faults / "send.before-dot.paused"
    paused.with_suffix(".pause").touch()
    world.send(under_way).wait()
    wait_until(paused.exists, "nothing is sent")
    clock.set(days)
    paused.unlink()
    world.send(later).wait()
    world.insist("release", world.held([released]))
    world.insist("expire", 30)
    world.wait_quiet()
    assert_fates(world, letters, "delivered", "held", "held", "held", "held")


@both_ways
def test_between_a_lost_answer_and_the_next_try(world: World, clock: Clock, days: int) -> None:
    letter = Letter(RECIPIENTS)
    with world.killed_itself("hold.committed"):
        port = world.postfix.smtp_port
        reply = client.send(port, letter.octets, "offers@sender.example", letter.recipients, peer=SPAMMER)
        assert reply.code == 451
    clock.set(days)
    world.send(letter).wait()
    world.wait_quiet()
    assert_fates(world, [letter], "held")


@both_ways
def test_while_a_message_is_written(world: World, clock: Clock, days: int) -> None:
    """What looks a day old all of a sudden is taken for what a dead process left; then it is asked for again."""
    letter = Letter(RECIPIENTS)

    @contextmanager
    def jump_and_sweep() -> Iterator[None]:
        clock.set(days)
        assert world.command("sweep", None) is None
        yield

    with world.struck("spool.written", jump_and_sweep):
        world.send(letter).wait()
        world.wait_quiet()
    assert letter.answers == ({250: 1, 451: 1} if days > 0 else {250: 1})
    assert_fates(world, [letter], "held")


@pytest.mark.parametrize(
    ("days", "held", "expired"),
    [(0, 29.9, 30.1), (1, 28.9, 29.1), (-1, 30.9, 31.1)],
)
def test_expiry_is_no_more_than_a_day_off(world: World, clock: Clock, days: int, held: float, expired: float) -> None:
    letters = [Letter(RECIPIENTS), Letter(RECIPIENTS)]
    world.send(*letters).wait()
    for letter, age in zip(letters, (held, expired), strict=True):
        world.age(letter, age)
    clock.set(days)
    world.insist("expire", 30)
    world.wait_quiet()
    assert_fates(world, letters, "held", "expired")
