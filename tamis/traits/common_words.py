"""The commonest words of some languages."""

from typing import Final

from tamis.traits.native import Languages

COMMON: Final = {
    "ENGLISH": "the of and to in is that for it with as be on this are was you not have from your by at or an will we "
    "but if can all has they there which more about my one i he",
    "FRENCH": "le la les des une est pour dans que qui vous nous pas sur plus avec votre ce cette par ou mais je il "
    "elle sont vos et du au aux notre être ne",
    "GERMAN": "der die das und ist nicht ein eine zu mit für sie ich auf den dem von wir auch sich ihr ihre oder wie",
    "SPANISH": "que el los las por para con una su del como más es no usted não uma com você seu sua dos nos da um os",
}
OF: Final = {word: language for language, words in reversed(COMMON.items()) for word in words.split()}
"""The language of each word: of several, the first."""
_PLACES: Final = [*COMMON]
LANGUAGES: Final = Languages({word: _PLACES.index(language) for word, language in OF.items()}, len(COMMON))
