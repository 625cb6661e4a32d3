"""One reporter against all others: bounded where they contradict them, and nowhere else."""

from datetime import date

import pytest

from tamis.learning.contradiction import reporters_of_much, tempered
from tamis.learning.journal import Entry
from tamis.learning.teaching import Lesson, Reporter, packed
from tamis.learning.weighing import UNITS
from tests.learning.mail import ADMIN, TRAPS, bob, ham, spam

GARDEN = "roses seeds greenhouse compost minutes of the tuesday meeting"
EVE = bob("eve")


class Said:
    """Lessons, each of the weight of one message."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: list[tuple[int, bytes]] = []

    def say(self, reporter: Reporter, lessons: list[Lesson]) -> None:
        for one in lessons:
            id = len(self.entries)
            day = date(2026, 3, 1)
            entry = Entry(id, day, reporter.by, reporter.source, reporter.domain, one.digest, one.spam)
            self.entries.append(entry)
            self.rows.append((id, packed(one.features)))

    def weight_of(self, reporter: Reporter, label: bool) -> float:
        """What is left of a reporter's lessons of that label, in messages."""
        weights = dict.fromkeys(range(len(self.entries)), UNITS)
        looked_at = reporters_of_much(self.entries, weights)
        found = tempered(self.entries, weights, self.rows, looked_at)
        assert tempered(self.entries, weights, reversed(self.rows), looked_at) == found
        mine = [entry.id for entry in self.entries if entry.by == reporter.by and entry.spam is label]
        return sum(found[id] for id in mine) / UNITS


@pytest.fixture
def said() -> Said:
    one = Said()
    for number, name in enumerate(("ann", "bob", "cem")):
        one.say(bob(name), [spam(20 * number + each) for each in range(20)])
    return one


def test_what_contradicts_all_others_weighs_a_twentieth_of_them(said: Said) -> None:
    said.say(EVE, [ham(number) for number in range(20)])
    assert said.weight_of(EVE, False) == pytest.approx(3, abs=0.05)
    assert said.weight_of(bob("ann"), True) == 20, "who agrees with others is not concerned"


def test_what_is_about_something_else_counts(said: Said) -> None:
    said.say(EVE, [ham(number, GARDEN) for number in range(20)])
    assert said.weight_of(EVE, False) == 20


def test_who_says_little_is_not_looked_at(said: Said) -> None:
    said.say(EVE, [ham(1), ham(2)])
    assert said.weight_of(EVE, False) == 2


def test_few_others_are_protected_as_well() -> None:
    said = Said()
    said.say(bob(), [spam(number) for number in range(3)])
    said.say(EVE, [ham(number) for number in range(100)])
    assert said.weight_of(EVE, False) == pytest.approx(0.5, abs=0.1)
    assert said.weight_of(bob(), True) == 3


def test_traps_may_be_contradicted() -> None:
    said = Said()
    said.say(TRAPS, [spam(number) for number in range(60)])
    said.say(EVE, [ham(number) for number in range(10)])
    assert said.weight_of(EVE, False) == 10


def test_administrators_may_contradict_everybody(said: Said) -> None:
    said.say(ADMIN, [ham(number) for number in range(60)])
    assert said.weight_of(ADMIN, False) == 60


def test_who_is_alone_contradicts_nobody() -> None:
    said = Said()
    said.say(EVE, [spam(number) for number in range(30)] + [ham(number) for number in range(30, 40)])
    assert (said.weight_of(EVE, True), said.weight_of(EVE, False)) == (30, 10)


def test_where_one_class_is_taught_oftener_its_words_are_not_its_own(said: Said) -> None:
    """Words that others use in both classes contradict nobody."""
    said.say(bob("dan"), [ham(number, GARDEN) for number in range(6)])
    for name in ("fay", "gus"):
        said.say(bob(name), [spam(number, GARDEN.replace("roses", "pills")) for number in range(20)])
    said.say(EVE, [ham(number, GARDEN) for number in range(100, 110)])
    assert said.weight_of(EVE, False) == 10
