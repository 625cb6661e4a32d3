"""What is counted by compiled code is what Python counts."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis.traits import dates, forms, native
from tamis.traits.common_words import COMMON, LANGUAGES, OF

# Among them: titles (ǅ), halves of surrogates, digits and spaces beyond ASCII, letters that `lower` makes longer.
ALPHABET = "aBcZ09_ .,-'!\t\n\r\v\x1c\x85\xa0éßİıſKΣ²½٣ǅ漢\u2028\u3000\u00ad\u0301\U0001d7d8\U0001f600\ud800"
TEXTS = st.one_of(
    st.text(alphabet=ALPHABET, max_size=200),
    st.text(alphabet=" \nab", max_size=400),
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["the ", "ne être ", "ABCD", "ABCDE1 ", "12345", "\n", "    ", "x" * 20, "A" * 16, " "])
    ).map("".join),
)


@given(st.binary(max_size=300), st.binary(max_size=9), st.integers(0, 255), st.integers(0, 255))
def test_octets(data: bytes, some: bytes, first: int, last: int) -> None:
    counts = native.Octets(data)
    assert counts.of(some) == sum(data.count(octet) for octet in some)
    assert counts.between(first, last) == sum(first <= octet <= last for octet in data)


def described_words(low: str, spoken: int) -> tuple[int, int, int, list[int]]:
    words = re.findall(r"[^\W\d_]+", low)
    by = [*map(OF.get, words[:spoken])]
    return len(words), max(map(len, words), default=0), len({*words[:300]}), [by.count(name) for name in COMMON]


@given(TEXTS, st.integers(0, 30))
def test_words(text: str, spoken: int) -> None:
    assert LANGUAGES.words(text.lower(), spoken) == described_words(text.lower(), spoken)


def test_many_words() -> None:
    letters = ["abcdefghij"[number] for number in range(10)]
    text = " ".join(a + b + c for a in letters for b in letters for c in letters)
    assert LANGUAGES.words(f"{text} {text}", 1000) == described_words(f"{text} {text}", 1000)
    for word in OF:
        assert LANGUAGES.words(word, 1) == described_words(word, 1)


@pytest.mark.parametrize(
    "words", [{"x" * 17: 0}, {"": 0}, {"a": 2}, {"a": -1}, {chr(number + 256): 0 for number in range(257)}]
)
def test_words_that_have_no_room(words: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="too"):
        native.Languages(words, 2)


@given(TEXTS)
def test_capital_words_and_numbers(text: str) -> None:
    found = len(re.findall(r"\b[A-Z]{4,}\b", text)), len(re.findall(r"\d{5,}", text))
    assert native.capital_words_and_numbers(text) == found


def described_lines(text: str) -> tuple[object, ...]:
    lines = text.split("\n")[:300]
    stripped = [line.strip() for line in lines]
    full = [line for line in stripped if line]
    gaps = "".join(["." if line else " " for line in stripped]).split(".")
    long = [line for line in full if len(line) > 19]
    return (
        *(len(lines), len(full), sum(map(len, full)), max(map(len, gaps)), full[:1], full[-1:]),
        *(sum(line.startswith("    ") for line in lines), sum(line.endswith(" ") for line in lines)),
        *(sum(line[0].islower() for line in full), any(len(line) > 14 and line.isupper() for line in full)),
        len({*long}) < len(long),
    )


@given(TEXTS)
@example("x\n" * 400)
@example("\n" * 400)
@example("\n".join(f"{number:020}" for number in range(400)) + "\n" + "0" * 20)
@example("\n".join(f"{number:020}" for number in [*range(299), 5]))
def test_lines(text: str) -> None:
    *some, left, right, begin, end, indented, spaced, small, capitals, alike = native.lines(text)
    first, last = [text[left:right]] * (left < right), [text[begin:end]] * (begin < end)
    assert (*some, first, last, indented, spaced, small, capitals, alike) == described_lines(text)


@given(TEXTS, st.integers(0, 9))
def test_bare_lines(text: str, most: int) -> None:
    full = [line.strip() for line in text.split("\n")[:most] if line.strip()]
    assert native.bare_lines(text, most) == sum(not any(map(str.isalnum, line)) for line in full)


@given(
    st.lists(st.sampled_from(["<", "/", "a", "b1", ":", "!", "?", " ", ">", "td", "x" * 15, "é", "漢", "\ud800"])).map(
        "".join
    )
)
@example("".join(f"<t{number}>" * 2 for number in range(100)))
@example("<")
@example("</")
def test_tags(html: str) -> None:
    assert forms.tags(html) == Counter(re.findall(r"<(/?[a-z!?][a-z0-9:]{0,15})", html))


DATES = st.builds(
    "{}{} {} {} {}:{}:{} {}{}".format,
    st.sampled_from(["Mon, ", "", "mon, ", "Sun,"]),
    st.sampled_from(["1", "01", "29", "31", "0", "x", "٣"]),
    st.sampled_from(["Jan", "Feb", "Dec", "feb", "Foo"]),
    st.sampled_from(["1970", "2000", "1900", "2008", "0999", "3000", "99"]),
    st.sampled_from(["00", "23", "24", "1"]),
    st.sampled_from(["00", "59", "60"]),
    st.sampled_from(["00", "59", "60", "5"]),
    st.sampled_from(["+0000", "-0000", "-0130", "+9999", "GMT", "+1", ""]),
    st.sampled_from(["", " (CET)", "x", "\0"]),
)


@given(st.one_of(DATES, st.builds(lambda date, end: date[:end], DATES, st.integers(0, 40)), st.text(max_size=40)))
def test_dates(date: str) -> None:
    try:
        found = parsedate_tz(date)
        wanted = found and (datetime(*found[:6], tzinfo=UTC).timestamp() - (found[9] or 0), found[9] or 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        wanted = None
    assert forms.date(date) in (None, wanted)
    assert dates.read(date) == wanted


def test_each_day() -> None:
    day = datetime(1995, 1, 1, 12, 34, 56, tzinfo=UTC)
    for _ in range(2500):
        day += timedelta(days=1)
        written = f"{day:%a, %-d %b %Y %H:%M:%S} -0730 (x)"
        assert forms.date(written) == (day.timestamp() + 27_000, -27_000)


@given(st.lists(st.sampled_from(["\n" * 9, "\n", "\r", " ", "\t", "x", "\u2028", "é"]), max_size=9).map("".join))
def test_longest_gap(text: str) -> None:
    plain = text.replace("\r", "").replace(" ", "").strip()
    assert native.longest_gap(text) == max(map(len, re.findall("\n+", plain)), default=0)
