"""In which language a message is written, as far as our own go: French, or else what is configured."""

import re
from typing import Final

from tamis.message import Message
from tamis.translations import ENGLISH, LANGUAGES

_LOOKED_AT: Final = 20_000
"""Characters of a text."""
_ENOUGH: Final = 3
"""Common words that make a language."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_FRENCH: Final = (
    "le la les un une des du de et est vous nous je il elle que qui dans pour pas sur avec votre notre vos nos ce "
    "cette ces au aux bonjour merci cordialement être avoir mais ou où donc très sont ont été par plus"
)
_ENGLISH: Final = (
    "the a an of and is are you we i he she that which in for not on with your our this these to hello thanks regards "
    "be have but or so very has been by more from it will would can"
)
_COMMON: Final = {ENGLISH: frozenset(_ENGLISH.split()), "fr": frozenset(_FRENCH.split())}


def language_of(message: Message, otherwise: str) -> str:
    """Return the language of a message: of its words, where these do not tell of Content-Language, else `otherwise`."""
    words = _WORD.findall(f"{message.subject}\n{message.text[:_LOOKED_AT]}".lower())
    counts = {language: sum(word in common for word in words) for language, common in _COMMON.items()}
    best = max(LANGUAGES, key=lambda language: counts[language])
    if counts[best] >= _ENOUGH and list(counts.values()).count(counts[best]) == 1:
        return best
    said = (message.header("content-language") or "").strip().lower()[:2]
    return said if said in LANGUAGES else otherwise
