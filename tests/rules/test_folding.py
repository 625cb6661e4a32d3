"""Folding: disguises of a word fold to the word, and nothing the wire brings breaks it."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.rules import folding
from tamis.rules.folder import Folder
from tamis.rules.folding import KEEPABLE, fold


@pytest.mark.parametrize(
    "disguise",
    [
        "viagra",
        "VIAGRA",
        "vïágrà",
        "v\u200bi\u200da\u2060g\ufeffr\u00ada",
        "\u202eviagra\u202c",
        "v\ufe0fi\U000e0061agra",
        "νіаgrа",  # Greek and Cyrillic
        "VΙΑGRΑ",
        "ｖｉａｇｒａ",
        "𝐯𝐢𝐚𝐠𝐫𝐚",
        "𝓥𝓘𝓐𝓖𝓡𝓐",
        "ⓥⓘⓐⓖⓡⓐ",
        "🅥🅘🅐🅖🅡🅐",
        "🆅🅸🅰🅶🆁🅰",
        "🇻🇮🇦🇬🇷🇦",
        "ᴠɪᴀɢʀᴀ",
        "v i a g r a",
        "v.i.a.g.r.a",
        "V-I-A-G-R-A",
        "v\u00a0i\u00a0a\u00a0g\u00a0r\u00a0a",
        "  viagra\r\n",
        "v̶i̶a̶g̶r̶a̶",
    ],
)
def test_disguises(disguise: str) -> None:
    assert fold(disguise) == "viagra"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Félicitations à l’élève : gagnez\n  1 000 €", "felicitations a l'eleve : gagnez 1 000 €"),
        ("cœur, Straße, Łódź, smørrebrød", "coeur, strasse, lodz, smorrebrod"),
        ("“quoted” – dashed—text", '"quoted" - dashed-text'),
        ("01 23 45 67 89", "01 23 45 67 89"),
        ("plan B, e.g. U.S.A. today", "plan b, e.g. u.s.a. today"),
        ("v i a g r a  n o w", "v i a g r a n o w".replace("v i a g r a", "viagra")),
        ("take a v i a g r a", "take aviagra viagra"),
        ("日本語のメール", "日本語のメール"),
        ("한국어", "한국어"),
        ("", ""),
    ],
)
def test_what_stays_readable(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_what_is_kept() -> None:
    assert fold("Été À", frozenset({"accents"})) == "été à"
    assert fold("Été À", frozenset({"case"})) == "Ete A"
    assert fold("виа ｖ", frozenset({"letters"})) == "виа ｖ"
    assert fold("V I A G R A", frozenset({"spacing"})) == "v i a g r a"


@given(st.text(), st.frozensets(st.sampled_from(KEEPABLE)))
def test_whatever_comes(text: str, keep: frozenset[str]) -> None:
    folded = fold(text, keep)
    assert "\n" not in folded
    assert "  " not in folded
    assert folded == folded.strip()
    folded.encode("utf-8")
    assert not set(folded) & set("\u200b\u200d\u202e\u2066\u00ad\ufeff\x00\x1b")


@given(st.text(alphabet="viagraVIAGRA .-*\u200bаéｖ\u0301\u202e"))
def test_folding_what_is_folded_changes_little(text: str) -> None:
    """Letters that were joined may be joined to more, once; nothing else changes."""
    once = fold(text, frozenset({"spacing"}))
    assert fold(once, frozenset({"spacing"})) == once


@pytest.mark.parametrize("piece", ["a ", "a.b-", " a", "ﷺ", "\u0301", "e\u0301", "\U0001d400", "\ud800", "a b", "\t"])
def test_its_time_is_linear(piece: str) -> None:
    started = time.process_time()
    folded = fold(piece * (limits.RULE_TEXT_CHARS // len(piece)))
    assert time.process_time() - started < 1
    assert len(folded) <= 3 * limits.RULE_TEXT_CHARS


NASTY = (
    "abIΣσςİßſ1é?_`.·*~|- \t\n\x00\x1c\x85\xa0"
    + "´’…½ﬀ𝐯еЕ漢가ᄀ\u1161\u11a8\u09c7\u09be\u0301\u0323\u0345\u05b0\u200b\u2028\ufe0f\ud800"
)
KEEPS = st.frozensets(st.sampled_from(KEEPABLE))


@given(st.text(st.sampled_from(NASTY)) | st.text() | st.text(st.characters(max_codepoint=127)), KEEPS)
def test_it_is_what_is_described(text: str, keep: frozenset[str]) -> None:
    assert fold(text, keep) == folding.described(text, keep)


@given(
    st.text(st.sampled_from("abI1é?_`.·*~|- \t\n\x00\x85´’ﬀк漢\u0301\u200b")) | st.text(),
    st.frozensets(st.sampled_from(["letters", "accents"])),
)
def test_what_is_left_alone_would_not_change(text: str, keep: frozenset[str]) -> None:
    """Each character is looked up only where a table may change it."""
    assert folding._CHANGED.sub(lambda run: run[0].translate(folding._table(keep)), text) == text.translate(
        folding._table(keep)
    )


@given(st.sampled_from(" .·*_~|-"), st.text(st.sampled_from("abi1é漢"), min_size=4, max_size=9), st.text(max_size=3))
def test_letters_that_stand_apart_are_seen(sign: str, letters: str, behind: str) -> None:
    text = f"x {sign.join(letters)} {behind}"
    assert folding._folder(frozenset()).line(text) == folding.described(text, frozenset())


@given(
    st.lists(
        st.tuples(st.sampled_from(" .·-"), st.text(st.sampled_from("abi1é"), min_size=1, max_size=130)), max_size=4
    ),
    st.text(st.sampled_from("ab1 .-é\n"), max_size=5),
)
def test_letters_are_joined_as_the_expression_says(apart: list[tuple[str, str]], between: str) -> None:
    text = between.join(sign.join(letters) for sign, letters in apart) + between
    assert folding._folder(frozenset()).line(text) == folding.described(text, frozenset())


@given(st.text(st.sampled_from("ab1 .-")) | st.text(st.sampled_from("ai1 .·é\n")))
def test_letters_apart_and_others(text: str) -> None:
    assert folding._folder(frozenset()).line(text) == folding.described(text, frozenset())


@pytest.mark.slow
@pytest.mark.parametrize("keep", [(), ("case",), ("accents",), ("letters",), ("accents", "letters")])
def test_all_characters_beside_others(keep: tuple[str, ...]) -> None:
    kept = frozenset(keep)
    for code in range(0x110000):
        letter = chr(code)
        # There are many of some kinds.
        if unicodedata.category(letter) in ("Cn", "Co", "Cs", "Lo") and code % 61 and code > 0x3000:
            continue
        for text in (letter, f"e{letter}\u0301\u05b0x", f"가{letter}\u11a8 {letter}{letter}"):
            assert fold(text, kept) == folding.described(text, kept), f"{text!a}"


@pytest.mark.slow
def test_what_may_be_composed_with_what_stands_before() -> None:
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and "<" not in parts[0]:
            assert folding._joins(chr(int(parts[1], 16)))
    assert all(folding._joins(chr(code)) for code in range(0x110000) if unicodedata.combining(chr(code)))
    assert all(folding._joins(unicodedata.normalize("NFD", syllable)[1:]) for syllable in "가각")


def test_few_pieces_are_asked_for_by_themselves() -> None:
    pointed = "e\u05b0xx " * 5000
    assert folding._folder(frozenset()).line(pointed) is None
    assert folding._folder(frozenset()).line(pointed[:50]) == folding.described(pointed[:50], frozenset())
    # Where each letter has such marks, they are asked for at once.
    assert folding._folder(frozenset()).line("ש\u05b0 " * 5000) is not None


def test_few_new_characters_are_learned_at_once() -> None:
    keep = frozenset({"case", "letters"})
    folding._FOLDERS.pop(keep, None)
    text = "".join(map(chr, range(0x4E00, 0x7E00)))
    lines = [folding._folder(keep).line(text) for _ in range(8)]
    assert lines == [None] * 6 + [folding.described(text, keep)] * 2


def test_what_becomes_too_long() -> None:
    text = "ﷺ" * 20_000 + " é"
    assert folding._folder(frozenset()).line(text) is None
    assert fold(text) == folding.described(text, frozenset())


def test_what_a_folder_is_made_of() -> None:
    with pytest.raises(ValueError, match="128 characters"):
        Folder("abc", str, str, 10, True)
    with pytest.raises(ValueError, match="ASCII"):
        Folder("é" * 128, str, str, 10, True)
