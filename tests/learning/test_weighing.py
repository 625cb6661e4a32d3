"""What each word counts for: the guards, one by one."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from tamis.learning.journal import Entry
from tamis.learning.teaching import Source
from tamis.learning.weighing import UNITS, Rules, weigh

TODAY = date(2026, 3, 1)
RULES = Rules(half_life_days=180, reporter_day=20.0, reporter_total=50.0)
RECIPIENT, ADMIN, TRAP = Source.RECIPIENT, Source.ADMINISTRATOR, Source.TRAP


class Rows:
    """Rows of a journal, numbered as they are said."""

    def __init__(self) -> None:
        self.rows: list[Entry] = []

    def say(self, by: str, digest: str, spam: bool = True, source: Source = RECIPIENT, age: int = 0) -> int:
        self.rows.append(Entry(len(self.rows), TODAY - timedelta(age), by, source, "", digest, spam))
        return len(self.rows) - 1

    def many(self, by: str, number: int, spam: bool, source: Source = RECIPIENT, a_day: int = 0) -> None:
        for one in range(number):
            self.say(by, f"{by} {one}", spam, source, one // a_day if a_day else 0)

    def weights(self) -> dict[int, float]:
        return {id: units / UNITS for id, units in weigh(self.rows, TODAY, RULES).items()}

    def total(self, spam: bool) -> float:
        return sum(weight for id, weight in self.weights().items() if self.rows[id].spam is spam)

    def of(self, ids: Iterable[int]) -> list[float]:
        found = self.weights()
        return [found.get(id, 0.0) for id in ids]


@pytest.fixture
def rows() -> Rows:
    return Rows()


def test_the_last_word_of_a_reporter_counts(rows: Rows) -> None:
    first, second = rows.say("ann", "a", True), rows.say("ann", "a", False)
    assert rows.of([first, second]) == [0, 1]


def test_people_weigh_more_than_machines(rows: Rows) -> None:
    sources = [Source.ADMINISTRATOR, Source.RECIPIENT, Source.RELEASE, Source.TRAP, Source.SELF]
    assert rows.of([rows.say(source, source, source=source) for source in sources]) == [1, 1, 1, 0.5, 0.25]


def test_of_one_message_the_most_believed_counts(rows: Rows) -> None:
    trap, ann = rows.say("traps", "a", True, TRAP), rows.say("ann", "a", False)
    assert rows.of([trap, ann]) == [0, 1]
    root = rows.say("root", "a", True, ADMIN)
    assert rows.of([trap, ann, root]) == [0, 0, 1]


def test_who_agrees_counts_once_and_equals_who_do_not_both_count(rows: Rows) -> None:
    ann, bob, eve = rows.say("ann", "a"), rows.say("bob", "a"), rows.say("eve", "a", False)
    assert sorted(rows.of([ann, bob, eve])) == [0, 1, 1]
    assert rows.total(spam=True) == rows.total(spam=False) == 1


def test_old_words_fade_in_steps_and_end(rows: Rows) -> None:
    ages = [0, 44, 45, 180, 360, 719, 720]
    weights = rows.of([rows.say(f"{age}", f"{age}", age=age) for age in ages])
    assert weights == pytest.approx([1, 1, 0.841, 0.5, 0.25, 0.074, 0], abs=0.001)


def test_what_comes_of_the_future_is_fresh(rows: Rows) -> None:
    """Another machine's clock may be ahead."""
    assert rows.of([rows.say("ann", "a", age=-1)]) == [1]


def test_a_thousand_reports_of_one_day_weigh_as_twenty(rows: Rows) -> None:
    rows.many("eve", 1000, spam=True)
    assert rows.total(spam=True) == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize("a_day", [0, 20])
def test_a_thousand_reports_do_not_outweigh_what_others_taught(rows: Rows, a_day: int) -> None:
    """On one day, or over fifty: three others with twenty each weigh more."""
    for name in ("ann", "bob", "cem"):
        rows.many(name, 20, spam=True)
    rows.many("eve", 1000, spam=False, a_day=a_day)
    assert rows.total(spam=True) == 60
    assert rows.total(spam=False) < 51


def test_on_a_large_site_a_reporter_may_weigh_a_quarter_of_all_others(rows: Rows) -> None:
    rows.many("root", 1000, spam=True, source=ADMIN)
    rows.many("eve", 1000, spam=False, a_day=20)
    assert rows.total(spam=False) == pytest.approx(250, rel=0.01)


def test_one_reporter_contradicts_many_and_is_not_heard_more_than_once(rows: Rows) -> None:
    for number in range(10):
        rows.say("ann", f"{number}")
        rows.say("eve", f"{number}", False)
        rows.say("eve", f"{number}", False)
    assert rows.total(spam=False) == rows.total(spam=True) == 10


def test_administrators_are_not_bounded(rows: Rows) -> None:
    rows.many("root", 150, spam=True, source=ADMIN)
    rows.many("root2", 150, spam=False, source=ADMIN)
    assert rows.total(spam=True) == rows.total(spam=False) == 150


def test_one_class_alone_weighs_little(rows: Rows) -> None:
    """Or whatever is only new would be spam."""
    rows.many("root", 1000, spam=True, source=ADMIN)
    assert rows.total(spam=True) == pytest.approx(50, abs=0.7)
    rows.many("ann", 10, spam=False)
    assert rows.total(spam=True) == pytest.approx(90, abs=0.7)
    assert rows.total(spam=False) == 10


def test_traps_are_bounded_by_the_day(rows: Rows) -> None:
    rows.many("root", 1000, spam=False, source=ADMIN)
    rows.many("traps", 500, spam=True, source=TRAP)
    assert rows.total(spam=True) == pytest.approx(100, rel=0.01)


def test_what_is_undone_is_as_if_it_had_never_been(rows: Rows) -> None:
    rows.many("ann", 30, spam=True)
    rows.say("traps", "t", source=TRAP)
    rows.many("bob", 30, spam=False)
    before = weigh(rows.rows, TODAY, RULES)
    rows.many("eve", 100, spam=True)
    rows.say("eve", "t", False)
    rows.say("eve", "ann 1", False)
    assert weigh(rows.rows, TODAY, RULES) != before
    assert weigh([row for row in rows.rows if row.by != "eve"], TODAY, RULES) == before
