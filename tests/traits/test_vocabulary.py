"""Topics are found by their phrases where RE2 finds them by their expressions, in texts made plain."""

import re

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from tamis.traits.phrases import ANY, END, SOME, Phrases, Plain
from tamis.traits.spelled_out import NotPlain, alternatives, spelled_out
from tamis.traits.vocabulary import PLAIN, TOPICS, Topics, patterns, plain

ALL = Topics([*TOPICS])
WORDS = sorted({word for topic in TOPICS.values() for word in re.split(r"[^\w' -]+", topic["words"]) if word.strip()})
TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="aZé ’\u0301\u00a0\n\t\0\x7f\ud800½ﬁ①Kİß漢\U0001d400\U0001f600\U0002f800", max_size=60),
    st.lists(st.sampled_from([*WORDS, "s", "x", " ", "-", ":", "%", "100", "É", "_", "'", ". "]), max_size=12).map(
        " ".join
    ),
    st.lists(st.sampled_from([*WORDS, "s", "x", " ", "-", ":", "%", "100 ", "_", "'"]), max_size=12).map("".join),
)


@given(TEXTS)
@example("".join(map(chr, range(0x600))))
@example("½" * 300)
def test_texts_are_made_plain(text: str) -> None:
    found = " ".join(plain(text).split())
    wanted = re.sub("[^\x01-\x7f]", "\x7f", found)
    assert PLAIN.of(text).decode() == wanted
    assert Plain(plain).of(text).decode() == wanted


@given(TEXTS)
@example("log in")
@example("retirer de, phone:x 100% s.1618 don't")
def test_topics_are_those_that_re2_finds(text: str) -> None:
    wanted = " ".join(plain(text).split()).encode("utf-8", "replace")
    assert ALL.found(PLAIN.of(text)) == patterns().found(wanted, everything=True)


@given(
    st.lists(st.sampled_from(["ab", "a b", "ab:", "b-a", "a"]), max_size=4, unique=True),
    st.sampled_from([END, ANY, SOME]),
    st.text(alphabet="ab :-_\x7f", max_size=12),
)
def test_phrases(words: list[str], tail: int, text: str) -> None:
    phrases = [(word.encode(), tail if word[-1].isalpha() else END, at) for at, word in enumerate(words)]
    wanted = [
        at
        for word, tail, at in phrases
        if re2.search(rb"\b(?:" + re.escape(word) + [b"", rb"\w*", rb"\w+"][tail] + rb")\b", text.encode())
    ]
    assert Phrases(phrases).found(text.encode()) == wanted


@pytest.mark.parametrize(
    "phrase", [(b"", END, 0), (b" a", END, 0), (b"a:", ANY, 0), (b"a", 3, 0), (b"a", END, 1024), (b"a", END, -1)]
)
def test_phrases_that_cannot_be_kept(phrase: tuple[bytes, int, int]) -> None:
    with pytest.raises(ValueError, match="phrase"):
        Phrases([phrase])


def test_more_phrases_than_there_is_room_for() -> None:
    with pytest.raises(ValueError, match="too many"):
        Phrases([(b"a" * 60_000, END, 0)])


def test_what_is_spelled_out() -> None:
    assert spelled_out("log ?in") == [("login", END), ("log in", END)]
    assert spelled_out(r"(?:a|b[cd])e\w+") == [("ae", SOME), ("bce", SOME), ("bde", SOME)]
    assert spelled_out(r"x\w*") == [("x", ANY)]
    assert alternatives(r"a(?:b|c)|d\|e|[|]f") == ["a(?:b|c)", r"d\|e", "[|]f"]


@pytest.mark.parametrize(
    "pattern", ["", "a?", r"\w+ a", r"a\w+b", "[^a]", "a.", "a{2}", "(?i)a", "-a", r"a-\w*", "[a-z]"]
)
def test_what_cannot_be_spelled_out(pattern: str) -> None:
    with pytest.raises(NotPlain):
        spelled_out(pattern)
