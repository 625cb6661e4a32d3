"""What was found in a message is remembered for its copies, within a bound."""

from collections.abc import Iterator

import pytest

from tamis import limits
from tamis.content_digest import content_digest
from tamis.copies import Copies
from tamis.links import links_of
from tamis.message import Message


def message(number: int) -> Message:
    return Message(b"Subject: %d\n\nhttp://evil%d.org/" % (number, number))


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def copies(asked: list[str]) -> Iterator[Copies[int]]:
    def find(one: Message) -> int:
        asked.append(one.subject)
        return int(one.subject)

    return Copies(find, lambda found: found)


def test_a_copy_is_not_looked_at_again(copies: Copies[int], asked: list[str]) -> None:
    assert [copies.of(message(number)) for number in (1, 0, 1, 0)] == [1, 0, 1, 0]
    assert asked == ["1", "0"]


def test_what_weighs_more_takes_more_room(
    copies: Copies[int], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COPIES", 10)
    for number in (0, 3, 4, 0, 5):  # 1 + 4 + 5 have room; 0 was used since, so 3 and 4 go for 5.
        copies.of(message(number))
    asked.clear()
    for number in (0, 5, 3):
        copies.of(message(number))
    assert asked == ["3"]


def test_what_is_larger_than_all_room(copies: Copies[int], asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COPIES", 3)
    assert [copies.of(message(9)), copies.of(message(9)), copies.of(message(1))] == [9, 9, 1]
    assert asked == ["9", "9", "1"]


def test_nothing_is_an_answer_too() -> None:
    asked = []
    copies: Copies[None] = Copies(lambda one: asked.append(one.subject))
    assert [copies.of(message(1)), copies.of(message(1))] == [None, None]
    assert asked == ["1"]


def test_links_and_digests_of_copies_are_the_same_and_of_others_are_not() -> None:
    assert links_of(message(1)) is links_of(message(1))
    assert links_of(message(1)) != links_of(message(2))
    assert content_digest(message(1)) == content_digest(message(1)) != content_digest(message(2))


def test_a_message_of_which_the_rest_is_cut_off_is_another() -> None:
    one = message(1)
    assert Message(one.raw, size=limits.MESSAGE_BYTES + 1).digest != one.digest
