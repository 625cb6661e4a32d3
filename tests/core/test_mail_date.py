"""Dates of mail: the short way says what the library says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis import mail_date
from tamis.mail_date import by_the_library, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Mon, 1 Jan 2024 10:00:00 +0000", 1704103200),
        ("1 Jan 2024 11:00:00 +0100 (CET)", 1704103200),
        ("Mon, 01 Jan 2024 10:00:00 -0000", 1704103200),
        ("Mon, 1 Jan 24 10:00:00 GMT", 1704103200),
        ("Sun, 31 Dec 2023 23:59:60 +0000", None),
        ("Mon, 31 Feb 2024 10:00:00 +0000", None),
        ("tomorrow", None),
        ("", None),
        ("Mon, 1 Jan 0000 10:00:00 +0000", 946720800),
    ],
)
def test_seconds_since_1970(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


TWO = st.integers(0, 99).map("{:02d}".format)
DATES = st.tuples(
    st.sampled_from(["", "Mon, ", "Mon,  ", "mon, ", "Mon ", "Xxx, "]),
    st.one_of(TWO, st.integers(0, 40).map(str)),
    st.sampled_from([" ", "  ", "\t", "-"]),
    st.sampled_from([*mail_date._MONTHS, "jan", "Jan.", "January"]),
    st.just(" "),
    st.one_of(st.integers(0, 9999).map("{:04d}".format), st.integers(1990, 2030).map(str), TWO),
    st.just(" "),
    st.tuples(TWO, TWO, TWO).map(":".join),
    st.sampled_from([" ", "  "]),
    st.one_of(st.tuples(st.sampled_from("+-"), TWO, TWO).map("".join), st.sampled_from(["GMT", "EST", "", "+0000"])),
    st.sampled_from(["", " (UTC)", " (CEST)", "(UTC)", " (a b)", " ()", " (UTC", "\n"]),
)


@given(DATES.map("".join))
@example("Mon, 1 Jan 2024 10:00:00 +2359")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("1 Jan 1000 00:00:00 +2359 (UTC)")
def test_the_short_way_says_what_the_library_says(text: str) -> None:
    try:
        described: float | None = by_the_library(text)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        described = None
    assert seconds_of(text) == described
