"""Every text is translated, whole, with its fields; browsers get the language they ask for."""

import re

import pytest

from tamis.translations import LANGUAGES, catalogue, preferred
from tests.web.extract import LOCALE, texts, written

OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.slow
def test_every_text_is_translated_and_no_other(language: str) -> None:
    """Else run `python -m tests.web.extract` and fill in what is empty."""
    assert (LOCALE / f"{language}.po").read_bytes() == written(language)
    known = catalogue(language)
    for key in texts():
        one, many = (key, key) if isinstance(key, str) else key
        for text, translated in ((one, known.gettext(one)), (many, known.ngettext(one, many, 2))):
            assert translated, text
            assert set(re.findall(r"%\(\w+\)s", translated)) == set(re.findall(r"%\(\w+\)s", text)), text
    assert len(known._texts) == len(texts())


def test_plurals() -> None:
    english, french = catalogue("en"), catalogue("fr")
    assert [english.ngettext("one", "many", n) for n in (0, 1, 2)] == ["many", "one", "many"]
    assert [french.ngettext("one", "many", n) for n in (0, 1, 2)] == ["one", "one", "many"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de, fr;q=0.5, en;q=0.4", "fr"),
        ("de, *;q=0.5", "en"),
        ("fr;q=0, en;q=0.1", "en"),
        ("fr;q=x, \0, ;;;, en-", "en"),
        ("," * 5000 + "fr", "en"),
    ],
)
def test_languages_of_browsers(header: str, language: str) -> None:
    assert preferred(header) == language
    assert preferred("de", "fr") == "fr"
