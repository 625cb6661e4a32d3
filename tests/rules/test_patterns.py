"""Patterns: folded like text, held to linear time, refused with the place of the wrong character."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.rules.matching import Rules
from tamis.rules.patterns import BadPattern, check
from tamis.rules.rule import Rule


def found(pattern: str, text: str, *keep: str) -> bool:
    rules = Rules({"x": Rule(description="x", patterns=(pattern,), decides=True, keep=keep)})  # type: ignore[arg-type]
    return bool(rules.match("text", [text]))


@pytest.mark.parametrize(
    ("pattern", "at", "why"),
    [
        ("gagn(", 4, "a ( is never closed"),
        ("(a)(b(c)", 3, "a ( is never closed"),
        (r"(a\)[(]", 0, "a ( is never closed"),
        ("ab[cd", 2, "a [ is never closed"),
        ("ab)c", 2, "closes nothing"),
        ("prix(?=gagné)", 4, "looking ahead or behind"),
        ("é(?!x)", 1, "looking ahead or behind"),
        ("a(?<=x)", 1, "looking ahead or behind"),
        ("a(?<!x)", 1, "looking ahead or behind"),
        (r"(a)-\1", 4, "reference back"),
        ("ab**", 2, "bad repetition"),
        ("ab++", 2, "bad repetition"),
        ("*a", 0, "no argument for repetition"),
        ("x[z-a]", 2, "invalid character class range"),
        (r"ab\q", 2, "invalid escape"),
        ("ab{2,1}", 2, "repetition size"),
        ("ab.{2,2000}", 3, "repetition size"),
        ("[a-z]{3}.{0,900}x", 9, "too large"),
        ("((a{90}){90}){90}", 8, "repetition size"),
        ("a*", 0, "matches where there is nothing"),
        ("x|", 0, "matches where there is nothing"),
        ("[а-я]", 1, "cannot end a range"),
        ("[eœ]", 2, "outside of [ ]"),
        ("a\u200bb", 1, "cannot be seen"),
    ],
)
def test_what_is_refused(pattern: str, at: int, why: str) -> None:
    with pytest.raises(BadPattern, match=re.escape(why)) as refused:
        check(pattern, frozenset())
    assert refused.value.at == at


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("Félicitations", "FELICITATIONS"),
        ("felicitations", "Félicitations !"),
        ("d’impôts?", "avis d'impôt"),
        ("казин[оа]", "ОНЛАЙН КАЗИНО"),
        ("вот", "ВОТ"),
        ("вот", "вот"),
        ("[ну]", "Н"),
        ("cœur", "coeur"),
        ("œ+uvre", "œuvre"),
        (r"\bp[a4]yp[a4]l\b", "pаyрal"),
        (r"[^a]bc", "xbc"),
        (r"100 ?%", "100%"),
        (r"\x{20AC} ?5", "€ 5"),
        ("中奖", "恭喜中奖"),
    ],
)
def test_patterns_meet_text_folded_alike(pattern: str, text: str) -> None:
    assert found(pattern, text)


def test_what_is_kept_of_both() -> None:
    assert found("SPAM", "SPAM", "case")
    assert not found("SPAM", "spam", "case")
    assert found("impôt", "IMPÔT", "accents")
    assert not found("impôt", "impot", "accents")
    assert found("а", "а", "letters")
    assert not found("а", "a", "letters")


@given(st.text(alphabet="abé а[](){}*+?|.,-^$\\0123456789wdsбœ\u200b", max_size=30))
def test_a_pattern_is_used_or_refused(pattern: str) -> None:
    if not pattern:
        return
    at = 0
    try:
        check(pattern, frozenset())
    except BadPattern as error:
        at = error.at
    else:
        found(pattern, "whatever (there) is")
    assert 0 <= at < len(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?:a+)+\$", "a" * 100_000 + "!$"),
        (r"(?:a|a)*b\$", "a" * 100_000 + "$"),
        (r"(?:.*a){12}zz", "a" * 100_000 + " zz"),
        (r"\b(?:\w+ ?){1,40}zz\b", "ab " * 40_000 + "zzz"),
        (r"a[a-z ]{0,80}b[a-z ]{0,80}zz", "ab " * 40_000 + "zz"),
    ],
)
def test_catastrophic_expressions_take_linear_time(pattern: str, text: str) -> None:
    started = time.process_time()
    found(pattern, text[: limits.RULE_TEXT_CHARS])
    assert time.process_time() - started < 1
