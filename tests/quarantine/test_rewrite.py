"""How a copy leaves: what is not touched keeps each of its octets."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.quarantine.records import StoredChanges, decode_changes, encode_changes
from tamis.quarantine.rewrite import outgoing, written

ADD = [("X-Ours", "yes"), ("X-Long", "one,\n\ttwo")]
ADDED = b"X-Ours: yes\r\nX-Long: one,\r\n\ttwo\r\n"


def rewritten(raw: bytes, changes: StoredChanges) -> bytes:
    return b"".join(outgoing(io.BytesIO(raw), changes))


def changed(raw: bytes, remove: Sequence[str] = ("X-Ours",), **subjects: str) -> bytes:
    """A message with our fields taken out and Subjects replaced (``s1="new"``); nothing put above."""
    numbered = {name[1:]: value for name, value in subjects.items()}
    return rewritten(raw, StoredChanges(remove=list(remove), subjects=numbered))


octets = st.binary(max_size=60)
line = octets.map(lambda text: text.replace(b"\r\n", b"").replace(b"\n", b""))
"""What a line may hold: no line end, but a CR alone."""
names = st.sampled_from([b"From", b"To", b"X-Other", b"Received", b"Subject-Of", b"X-Ours-Not", b"\xe9t\xe9"])
values = st.lists(line, min_size=1, max_size=3).map(b"\r\n\t".join)
fields = st.tuples(names, values).map(lambda field: field[0] + b": " + field[1].rstrip(b"\r") + b"\r\n")
headers = st.lists(fields, max_size=6).map(b"".join)


@given(headers, octets)
def test_nothing_but_what_is_added(header: bytes, body: bytes) -> None:
    raw = header + b"\r\n" + body
    assert rewritten(raw, StoredChanges(add=ADD)) == ADDED + raw
    assert rewritten(raw, StoredChanges(add=ADD, remove=["X-Ours", "X-Spam-Flag"])) == ADDED + raw


@given(st.binary(max_size=200))
def test_nothing_is_lost_whatever_the_octets_are(raw: bytes) -> None:
    assert changed(raw, remove=["X-Never-There-At-All"]) == raw


@pytest.mark.slow
@given(headers, headers, values.map(lambda value: value.rstrip(b"\r")), octets, st.sampled_from([b"", b" ", b"\t "]))
def test_forged_fields_go_wherever_they_stand(
    before: bytes, after: bytes, value: bytes, body: bytes, space: bytes
) -> None:
    for name in (b"X-Ours", b"x-OURS"):
        forged = name + space + b":" + value + b"\r\n"
        assert changed(before + forged + after + forged + b"\r\n" + body) == before + after + b"\r\n" + body


@pytest.mark.slow
@given(headers, headers, values.map(lambda value: value.rstrip(b"\r")), octets)
def test_the_subject_alone_is_replaced(before: bytes, after: bytes, value: bytes, body: bytes) -> None:
    raw = before + b"subject:" + value + b"\r\n" + after + b"\r\n" + body
    assert changed(raw, s1="SPAM: hello") == before + b"Subject: SPAM: hello\r\n" + after + b"\r\n" + body


def test_a_folded_subject_stays_folded() -> None:
    found = changed(b"Subject: one\r\n two\r\nTo: x\r\n\r\nbody", s1="SPAM: one\n two")
    assert found == b"Subject: SPAM: one\r\n two\r\nTo: x\r\n\r\nbody"


def test_subjects_are_counted_from_the_top() -> None:
    raw = b"Subject: a\r\nSUBJECT: b\r\nSubject: c\r\n\r\n"
    assert changed(raw, s1="A", s3="C") == b"Subject: A\r\nSUBJECT: b\r\nSubject: C\r\n\r\n"


def test_a_subject_where_there_is_none() -> None:
    assert changed(b"To: x\r\n\r\nbody", s1="SPAM: ") == b"Subject: SPAM: \r\nTo: x\r\n\r\nbody"
    assert changed(b"\r\nbody", s1="SPAM: ") == b"Subject: SPAM: \r\n\r\nbody"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", b""),
        (b"\r\n", b"\r\n"),
        (b"\r\nX-Ours: in the body\r\n", b"\r\nX-Ours: in the body\r\n"),
        (b"To: x\r\n\r\nX-Ours: in the body\r\n", b"To: x\r\n\r\nX-Ours: in the body\r\n"),
        (b"X-Ours: a\r\n\r\n", b"\r\n"),
        (b"X-Ours: a\r\n b\r\n\tc\r\nTo: x\r\n\r\n", b"To: x\r\n\r\n"),
        (b"To: x\r\n X-Ours: a fold of it\r\n\r\n", b"To: x\r\n X-Ours: a fold of it\r\n\r\n"),
        (b"X-Ours: a\r\n \r\nTo: x\r\n\r\n", b"To: x\r\n\r\n"),
        (b"X-Ours-Not: a\r\n\r\n", b"X-Ours-Not: a\r\n\r\n"),
        (b"no colon\r\nX-Ours: a\r\n\r\n", b"no colon\r\n\r\n"),
        (b"To: a\rX-Ours: b\r\n\r\n", b"To: a\rX-Ours: b\r\n\r\n"),
        (b"To: a\r\r\nX-Ours: b\r\n\r\n", b"To: a\r\r\n\r\n"),
        (b"\r\rTo: a\r\nX-Ours: b\r\n\r\n", b"\r\rTo: a\r\n\r\n"),
    ],
)
def test_oddities(raw: bytes, expected: bytes) -> None:
    assert changed(raw) == expected


def test_a_message_that_is_all_header() -> None:
    """No empty line: as where the header is larger than what is changed."""
    assert changed(b"To: x\r\nX-Ours: a\r\nFrom: y\r\n") == b"To: x\r\nFrom: y\r\n"
    assert changed(b"To: x\r\nX-Ours: a", s1="new") == b"Subject: new\r\nTo: x\r\n"


def test_a_header_of_many_lines_takes_no_time() -> None:
    """One in which something is found after each line would take minutes."""
    header = b"X: " + b"a\r" * 1_000_000 + b"\r\nX-Ours: a\r\n"
    assert changed(header + b"\r\nbody") == header[: -len(b"X-Ours: a\r\n")] + b"\r\nbody"


def test_a_large_body_comes_in_pieces() -> None:
    raw = b"To: x\r\n\r\n" + b"0123456789" * 200_000
    pieces = list(outgoing(io.BytesIO(raw), StoredChanges(add=ADD)))
    assert b"".join(pieces) == ADDED + raw
    assert max(map(len, pieces)) < 1_000_000


def test_folds_are_those_of_the_wire() -> None:
    assert written([("A", "b\rc\n\td")]) == b"A: bc\r\n\td\r\n"


@given(st.text(max_size=80), st.text(max_size=80))
def test_changes_come_back_from_the_database_as_they_were(value: str, subject: str) -> None:
    changes = StoredChanges(add=[("X-Ours", value)], remove=["X"], subjects={"1": subject})
    assert decode_changes(encode_changes(changes)) == changes


def test_some_copies_of_a_field_go_by_their_number() -> None:
    raw = b"A: 1\r\nB: 1\r\na : 2\r\nA: 3\r\nB: 2\r\n\tmore\r\n\r\nA: 1\r\n"
    changes = StoredChanges(remove_some={"A": [1, 3], "b": [2]})
    assert decode_changes(encode_changes(changes)) == changes
    assert rewritten(raw, changes) == b"B: 1\r\na : 2\r\n\r\nA: 1\r\n"
