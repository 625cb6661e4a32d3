"""What holds is answered in the order of the tests, as Python would."""

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.traits.answers import Answers

ANSWERS = {name: number for number, name in enumerate(["FLAG", "A_1", "B_7_UP", "OTHER", "A_5_9", "B_0"])}
MEASURES = {"A": ((1, 5, 10), ["A_1", "A_5_9", "UNASKED"]), "B": ((-3, 0, 7), ["NONE", "B_0", "B_7_UP"])}


def described(flags: set[str], numbers: dict[str, int]) -> list[int]:
    pieces = {
        ["", *names][bisect_right(at, numbers[name])] for name, (at, names) in MEASURES.items() if name in numbers
    }
    return [answer for name, answer in ANSWERS.items() if name in flags | pieces]


@given(
    st.sets(st.sampled_from(["FLAG", "OTHER", "A_1", "A", "UNKNOWN", ""])),
    st.dictionaries(st.sampled_from(["A", "B"]), st.one_of(st.integers(-4, 12), st.integers(-(1 << 70), 1 << 70))),
)
def test_answers(flags: set[str], numbers: dict[str, int]) -> None:
    assert Answers(ANSWERS, MEASURES).of(flags, numbers) == described(flags, numbers)


def test_a_measure_that_is_not_known() -> None:
    with pytest.raises(KeyError, match="C"):
        Answers(ANSWERS, MEASURES).of(set(), {"C": 1})


@pytest.mark.parametrize("cuts", [((), []), ((1, 0), ["A", "B"]), ((1,), ["A", "B"]), (range(17), ["A"] * 17)])
def test_cuts_that_cannot_be_kept(cuts: tuple[tuple[int, ...], list[str]]) -> None:
    with pytest.raises(ValueError, match="cuts"):
        Answers(ANSWERS, {"A": cuts})


def test_more_tests_than_there_is_room_for() -> None:
    with pytest.raises(ValueError, match="too many tests"):
        Answers(dict.fromkeys(map(str, range(4097)), 0), {})
