"""The compiled making of windows is held to what Python says of the same words."""

from bisect import bisect_left
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.rules.spots import Plan, Spots

Hit = tuple[int, int, int]
WORDS = 6
SETS = 5
OTHERS = st.lists(
    st.tuples(st.integers(0, 3), st.lists(st.sampled_from([b"a", b"b ", b"xx", "é".encode(), b"long"]), max_size=2)),
    max_size=2,
)
PATTERNS = st.lists(
    st.tuples(
        st.lists(st.integers(0, SETS - 1), max_size=3, unique=True),
        st.none() | st.tuples(st.integers(0, 300), st.integers(0, 2)),
        OTHERS,
    ),
    min_size=1,
    max_size=6,
)
SETS_OF = st.lists(st.lists(st.integers(0, SETS - 1), max_size=3, unique=True), min_size=WORDS - 1, max_size=WORDS - 1)
TEXTS = st.lists(
    st.sampled_from([b"x", b"a b ", "é ".encode(), b"y" * 90, b"z \n" * 300, b"long" * 200, b"\x0b\x1c"]), max_size=9
).map(b"".join)


class Described(NamedTuple):
    """Windows as they were made before it was compiled."""

    text: bytes
    spots: dict[int, list[Hit]]
    sets: list[list[int]]
    lengths: list[tuple[int, int] | None]
    others: list[list[tuple[int, list[bytes]]]]

    def possible(self) -> list[int]:
        return [at for at, needed in enumerate(self.sets) if all(number in self.spots for number in needed)]

    def windows(self, pattern: int) -> list[tuple[int, int]]:
        sets, length, size = self.sets[pattern], self.lengths[pattern], len(self.text)
        others = self.others[pattern]
        whole = [(0, size)] if all(any(one in self.text for one in words) for _, words in others) else []
        if length is None or not sets:
            return whole
        spots = [self.spots[number] for number in sets]
        rarest = min(range(len(sets)), key=lambda at: len(spots[at]))
        if len(spots[rarest]) > 16 + size // 500:
            return whole
        room = length[0] * (1 if self.text.isascii() else 4)
        room += length[1] * max(map(len, self.text.split()), default=0)
        windows: list[tuple[int, int]] = []
        for _, first, last in spots[rarest]:
            start, end = last - room, first + room
            before, behind = spots[:rarest], spots[rarest + 1 :]
            start, end = max(0, start), min(size, end)
            sides = [self.text[start:first] if place <= rarest else self.text[last:end] for place, _ in others]
            if (
                all(between(one, start, first) for one in before)
                and all(between(one, last, end) for one in behind)
                and all(any(one in side for one in words) for side, (_, words) in zip(sides, others, strict=True))
            ):
                if windows and start - windows[-1][1] <= 500:
                    windows[-1] = windows[-1][0], end
                else:
                    windows.append((start, end))
        return windows if sum(end - start + 500 for start, end in windows) < size + 500 else whole


def between(spots: list[Hit], start: int, end: int) -> bool:
    at = bisect_left(spots, start, key=lambda spot: spot[1])
    return at < len(spots) and spots[at][2] <= end


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[int]], Described, list[Hit]]:
    text = draw(TEXTS)
    # One word is of all sets, so that there is none that nobody has.
    sets_of = [*draw(SETS_OF), list(range(SETS))]
    drawn = draw(PATTERNS)
    starts = draw(st.lists(st.integers(0, max(0, len(text) - 3)), max_size=40)) if len(text) > 3 else []
    # All words are as long: what is in order by its start is so by its end.
    hits = [(draw(st.integers(0, WORDS - 1)), at, at + 3) for at in sorted(starts)]
    spots: dict[int, list[Hit]] = {}
    for hit in hits:
        for number in sets_of[hit[0]]:
            spots.setdefault(number, []).append(hit)
    return sets_of, Described(text, spots, *map(list, zip(*drawn, strict=True))), hits


@given(cases(), st.integers(1, 400))
def test_the_same_windows(case: tuple[list[list[int]], Described, list[Hit]], piece: int) -> None:
    sets_of, described, hits = case
    spots = Spots(Plan(sets_of, described.sets, described.lengths, described.others), described.text)
    for first in range(0, len(described.text), piece):
        inside = [(word, start - first, end - first) for word, start, end in hits if first <= start < first + 2 * piece]
        spots.add(inside, first, piece)
    assert spots.possible() == described.possible()
    for pattern in described.possible():
        assert spots.windows(pattern) == described.windows(pattern)


def test_what_is_not_there() -> None:
    plan = Plan([[0]], [[0], []], [(3, 0), None], [[], []])
    for hit in ((1, 0, 2), (-1, 0, 2), (0, -1, 2), (0, 3, 2), (0, 4, 6)):
        with pytest.raises(IndexError, match="no such word"):
            Spots(plan, b"a b c").add([hit], 0, 10)
    spots = Spots(plan, b"a b c")
    with pytest.raises(IndexError):
        spots.windows(0)
    assert spots.possible() == [1]
    assert spots.windows(0) == []
    with pytest.raises(IndexError):
        spots.windows(2)
    with pytest.raises(ValueError, match="has been asked"):
        spots.possible()
    with pytest.raises(ValueError, match="has been asked"):
        spots.add([(0, 0, 1)], 0, 10)


def test_plans_that_do_not_fit() -> None:
    with pytest.raises(IndexError):
        Plan([[0]], [[1]], [None], [[]])
    with pytest.raises(IndexError):
        Plan([[-1]], [[0]], [None], [[]])
    with pytest.raises(ValueError, match="a length and others are wanted"):
        Plan([[0]], [[0]], [], [[]])
    with pytest.raises(ValueError, match="has no letters"):
        Plan([[0]], [[0]], [None], [[(0, [b""])]])
