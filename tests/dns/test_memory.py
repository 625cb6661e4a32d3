"""The memory of one worker: bounded, and the least used goes first."""

import pytest

from tamis.dns.answer import Answer, Status
from tamis.dns.memory import Memory

SMALL = Answer(Status.OK, ("192.0.2.1",), 300)


def test_answers_are_kept_until_they_expire() -> None:
    memory = Memory()
    memory.put(b"a", SMALL, 100.0)
    assert memory.get(b"a", 99.9) is SMALL
    assert memory.get(b"a", 100.0) is None
    assert len(memory) == 0


def test_those_not_used_for_longest_go_first() -> None:
    memory = Memory(entries=3)
    for key in (b"a", b"b", b"c"):
        memory.put(key, SMALL, 100.0)
    memory.get(b"a", 0.0)
    memory.put(b"d", SMALL, 100.0)
    assert [key for key in (b"a", b"b", b"c", b"d") if memory.get(key, 0.0)] == [b"a", b"c", b"d"]


@pytest.mark.parametrize("record", [b"x" * 1000, "x" * 1000, (10, "x" * 1000)])
def test_octets_are_bounded(record: object) -> None:
    memory = Memory(octets=20_000)
    for number in range(100):
        memory.put(b"%d" % number, Answer(Status.OK, (record,), 300), 100.0)
        memory.put(b"%d" % number, Answer(Status.OK, (record,), 300), 100.0)  # The same again takes its place.
    assert 10 <= len(memory) <= 20
    assert memory.get(b"99", 0.0)


def test_what_is_forgotten_leaves_its_room() -> None:
    memory = Memory(octets=20_000)
    for turn in range(100):
        for number in range(5):
            memory.put(b"%d" % number, Answer(Status.OK, (b"x" * 1000,), 300), float(turn))
            assert memory.get(b"%d" % number, turn - 1.0)
            assert memory.get(b"%d" % number, float(turn)) is None
    for number in range(10):
        memory.put(b"%d" % number, Answer(Status.OK, (b"x" * 1000,), 300), 1000.0)
    assert len(memory) == 10


def test_an_answer_larger_than_all_of_it_is_not_kept() -> None:
    memory = Memory(octets=1000)
    memory.put(b"a", Answer(Status.OK, (b"x" * 2000,), 300), 100.0)
    assert len(memory) == 0
    memory.put(b"b", SMALL, 100.0)
    assert len(memory) == 1
