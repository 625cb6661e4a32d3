"""A text is known again though it was read with mistakes, and pages of honest text do not say it."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from tamis.images.answers import Look
from tamis.images.known import KnownImages
from tamis.images.known_writer import Row, build
from tamis.images.words import LEAST, runs, sketch, words
from tests.images.drawn import MINUTES, PILLS

SPAM = " ".join(PILLS)


def known(*texts: str) -> KnownImages:
    rows = []
    for number, text in enumerate(texts):
        found = runs(text)
        kept = sketch(found)
        digest = bytes([number + 1]) * 16
        rows.append(Row(digest, digest, b"", len(found) if len(kept) else 0, kept.astype("<u4").tobytes()))
    return KnownImages(build(rows))


def test_the_same_text() -> None:
    found = known(" ".join(MINUTES), SPAM).by_text(SPAM.upper())
    assert found is not None
    assert (found.full, found.how) == ("02" * 16, "says the same, 100% of its text")


def test_read_with_mistakes_and_in_another_order() -> None:
    read = "C1ick here lo order today ~~ We ship worldwide to your home\n\nCheapest pills without prescription $3.99"
    assert known(SPAM).by_text(read) is not None


def test_other_texts() -> None:
    assert known(SPAM).by_text(" ".join(MINUTES)) is None
    assert known(SPAM).by_text("") is None
    assert known().by_text(SPAM) is None


def test_a_page_that_says_it_in_passing() -> None:
    letters = "".join(chr(97 + number % 26) for number in hashlib.shake_128(b"page").digest(3000))
    long = " ".join(letters[at : at + 6] for at in range(0, 3000, 6)) + " " + SPAM
    assert known(SPAM).by_text(SPAM + " " + " ".join(MINUTES)) is not None
    assert known(SPAM).by_text(long) is None


def test_short_texts_are_not_known_by() -> None:
    assert len(sketch(runs("click here now"))) == 0
    assert len(runs(SPAM)) >= LEAST
    assert known("click here now").by_text("click here now") is None


def test_words() -> None:
    assert words("Été À l'HÔTEL 12 ab ßtraße") == ["ete", "hotel", "sstrasse"]


@given(st.text())
def test_never_raises(text: str) -> None:
    assert known(SPAM).by_text(text) is None or len(runs(text)) >= LEAST / 2
    assert known(SPAM).by_look(Look(1, 1, 1, bytes(16), b"", ())) is None
