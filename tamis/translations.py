"""What people read, in their language: English stands in the code and the templates, the others in `locale/*.po`.

The files are read as translators write them (Babel), when a language is first asked for: nothing has to be compiled,
neither by who installs from a clone nor by who changes a word.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "locale"
ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "fr")
_RANGE: Final = re.compile(r"\s*([a-zA-Z]{1,8}|\*)(?:-[a-zA-Z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_MOST_RANGES: Final = 20


class Catalogue:
    """The texts of one language, as `gettext` has them. English is what is asked for."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts: dict[str, tuple[str, ...]] = {}
        if language == ENGLISH:
            return
        # The daemon imports this module, and few of its processes need a translation.
        from babel.messages.pofile import read_po

        with (_FOLDER / f"{language}.po").open("rb") as file:
            for message in read_po(file, language):
                if message.id and message.string and not message.fuzzy:
                    one = message.id if isinstance(message.id, str) else message.id[0]
                    texts = message.string
                    self._texts[one] = (texts,) if isinstance(texts, str) else tuple(texts)

    def gettext(self, message: str) -> str:
        return self._texts.get(message, (message,))[0]

    def ngettext(self, one: str, many: str, number: int) -> str:
        """In French nought is one, in English it is many."""
        texts = self._texts.get(one, (one, many))
        return texts[-1] if (number > 1 if self.language == "fr" else number != 1) else texts[0]


@cache
def catalogue(language: str) -> Catalogue:
    """Return the texts of a language, of English for one that is not known."""
    return Catalogue(language if language in LANGUAGES else ENGLISH)


def preferred(accept_language: str, otherwise: str = ENGLISH) -> str:
    """Return the language that a browser likes best of ours (RFC 9110, section 12.5.4), whatever it sends."""
    best, chosen = 0.0, otherwise
    for text in accept_language[:1000].split(",")[:_MOST_RANGES]:
        found = _RANGE.fullmatch(text)
        if found is None:
            continue
        language, quality = found[1].lower(), float(found[2] or 1)
        language = otherwise if language == "*" else language
        if language in LANGUAGES and quality > best:
            best, chosen = quality, language
    return chosen
