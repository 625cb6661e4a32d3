"""Letters that look like others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.phishing.confusables import look, mixed_words, scripts, styled_letters


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "раураl"),
        ("paypal", "paypaI"),
        ("paypal", "PayPa1"),
        ("microsoft", "rnicrosoft"),
        ("google", "g00gle"),
        ("netflix", "nеtflіх"),
        ("crédit", "credit"),
        ("amazon", "ａｍａｚｏｎ"),
        ("amazon", "𝐀𝐦𝐚𝐳𝐨𝐧"),
    ],
)
def test_look_alike(one: str, other: str) -> None:
    assert look(one) == look(other)


@pytest.mark.parametrize(("one", "other"), [("paypal", "payback"), ("orange", "range"), ("amazon", "amazone")])
def test_look_different(one: str, other: str) -> None:
    assert look(one) != look(other)


def test_words_of_several_scripts() -> None:
    assert mixed_words("Your аccount at PаyPal, 2 words") == ["аccount", "PаyPal"]


@pytest.mark.parametrize(
    "text", ["plain", "обычный текст and English", "TNFα 5kΩ 3μm β-test", "C++ для Windows", "café"]
)
def test_no_word_of_several_scripts(text: str) -> None:
    assert mixed_words(text) == []


def test_styled_letters() -> None:
    assert styled_letters("𝐘𝐨𝐮 won ① Ｈ") == 4
    assert styled_letters("plain ✓ ① é") == 0


def test_scripts() -> None:
    assert scripts("aя1β") == {"LATIN", "CYRILLIC", "GREEK"}
    assert scripts("漢a") == {"OTHER", "LATIN"}


@given(st.text(max_size=100))
def test_any_text(text: str) -> None:
    assert look(text) == look(text.upper().lower()) or not text.isascii()
    mixed_words(text)
    styled_letters(text)
    scripts(text)
