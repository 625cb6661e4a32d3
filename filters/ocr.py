"""Row 21: is an image known, or does its text hit the keywords?

Why it works: spam in an image shows no word to a filter of text, but the image is sent again and again, a little
changed each time. It is known by its octets, its pixels, what it looks like, or what it says; and keyword rules (row
19) may look at what images say. SPEC, section 1, row 21.

Nothing is asked where there is no image, and no more than is needed: text is read (OCR) only where no image is known.
What people and traps have taught is `tamis.images.store`'s business.
"""

from collections.abc import Iterator
from typing import Final

from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.images.known import Known
from tamis.images.pictures import Picture
from tamis.images.words import words
from tamis.mail import Mail

KNOWN_POINTS: Final = 2.0
ONLY_POINTS: Final = 0.5
_MUCH: Final = 8
"""Words that images say at least, where the message itself says next to nothing: fewer than `_LITTLE`. Of 11,194 ham of
the corpora none has an image and fewer words than these; of 7,548 spam of trec07p, 310."""
_LITTLE: Final = 5


class Ocr(Filter):
    name = "ocr"
    stage = Stage.MESSAGE
    scores = True
    tests = {
        "IMAGE_KNOWN": "an image is known as spam, or looks like one that is",
        "OCR_KNOWN": "an image says what one says that is known as spam",
        "OCR_RULE": "an image says what a keyword rule that looks at OCR text is for",
        "OCR_ONLY": "images say much, and the message itself next to nothing",
    }

    class Options(FilterOptions, frozen=True):
        text: bool = True
        without: tuple[str, ...] = ()

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        pictures = ctx.pictures
        if not pictures.all:
            return
        known = pictures.known()
        if known:
            yield Hit("IMAGE_KNOWN", _ground(*known), True, amount=KNOWN_POINTS)
            return
        known = pictures.known_text() if ctx.options.text else None
        if known:
            yield Hit("OCR_KNOWN", _ground(*known), True, amount=KNOWN_POINTS)
            return
        texts = [text for _, text in pictures.texts()] if ctx.options.text else []
        matches = ctx.rules.match("ocr", texts) if ctx.rules and texts else ()
        found = [match for match in matches if match.name not in ctx.options.without]
        if pictures.trouble and not any(match.rule.decides for match in found):
            raise Abstain(pictures.trouble)
        for match in found:
            yield Hit("OCR_RULE", match.because, decides=match.rule.decides, amount=match.rule.score)
        said = len(words("\n".join(texts)))
        if said >= _MUCH and len(words(mail.message.text)) < _LITTLE:
            yield Hit("OCR_ONLY", f"images say {said} words, the message next to none", amount=ONLY_POINTS)


def _ground(picture: Picture, known: Known) -> str:
    return f"an image of {len(picture.data):,} octets: {known}"
