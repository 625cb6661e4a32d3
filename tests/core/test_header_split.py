"""The compiled splitting of a header block is held to what is described here, in Python."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from tamis.header_split import split
from tamis.message import Message

_FIELD = re.compile(rb"([!-9;-~\x80-\xff]+)[ \t]*:")
PIECES = [b"A:", b"a", b"Subject", b":", b" ", b"\t", b"\n", b"\n\n", b"\n ", b"\r", b"\0", b"\x7f", b"\xff", b"x: y\n"]
DATA = st.one_of(st.binary(max_size=80), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
Fields = list[tuple[bytes, bytes]]


def described(
    data: bytes, most_octets: int, most_fields: int
) -> tuple[Fields, dict[bytes, list[int]], int, bool, bool]:
    fields, body_start, ended_early, capped = fields_and_rest(data, most_octets, most_fields)
    numbers: dict[bytes, list[int]] = {}
    for number, (name, _) in enumerate(fields):
        numbers.setdefault(name.lower(), []).append(number)
    return fields, numbers, body_start, ended_early, capped


def fields_and_rest(data: bytes, most_octets: int, most_fields: int) -> tuple[Fields, int, bool, bool]:
    stop = len(data)
    limit = min(stop, most_octets)
    fields: Fields = []
    name, value_start, position = b"", -1, 0
    capped = False
    while True:
        line_end = data.find(b"\n", position)
        next_line = stop if line_end < 0 else line_end + 1
        line_stop = stop if line_end < 0 else line_end
        blank = position >= stop or line_stop == position
        match = None
        if not blank:
            if data[position] in b" \t" and value_start >= 0:
                position = next_line
                if position < limit or position >= stop:
                    continue
                capped = True
            else:
                match = _FIELD.match(data, position, line_stop)
        if value_start >= 0:
            fields.append((name, data[value_start:position].removesuffix(b"\n")))
            value_start = -1
        if match and (len(fields) >= most_fields or position >= limit):
            capped = True
        if capped:
            blank_line = data.find(b"\n\n", position - 1 if position else 0)
            return fields, stop if blank_line < 0 else blank_line + 2, False, True
        if match is None:
            return fields, next_line if blank else position, not blank, False
        name, value_start = match.group(1), match.end()
        position = next_line
        if line_end < 0:
            fields.append((name, data[value_start:stop]))
            return fields, stop, False, False


@given(DATA, st.integers(0, 90), st.integers(0, 12))
@example(b"A: b\n c\n", 4, 5)
@example(b"A:\n\nbody", 90, 5)
@example(b"A: b", 90, 5)
@example(b"A: b\nB: c\n\nx", 90, 1)
@example(b" A: b\n", 90, 5)
def test_what_is_described(data: bytes, most_octets: int, most_fields: int) -> None:
    assert split(data, most_octets, most_fields) == described(data, most_octets, most_fields)


@given(DATA)
def test_names_are_found_in_any_case(data: bytes) -> None:
    message = Message(data)
    for field in message.headers:
        name = field.name.decode("ascii", "ignore")
        if field.name.isascii():
            assert any(one is field for one in message.fields(name.swapcase()))


def test_names_that_are_the_same_in_letters_alone() -> None:
    message = Message("\u212aey: 1\nkey: 2\nKEY: 3\n\u212aEY: 4\n\n".encode())
    assert [field.text for field in message.fields("key")] == ["1", "2", "3", "4"]
    assert message.numbers[b"key"] == [1, 2]
