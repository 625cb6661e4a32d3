"""Letters that are not what they look like, in the Subject and in the text. Tests of row 33."""

import re
from collections.abc import Iterator
from typing import Final

from tamis import limits
from tamis.message import Message
from tamis.phishing.confusables import begins_with_marks, may_mislead, mixed_words, styled_letters
from tamis.phishing.sign import Found, Sign

SIGNS: Final = {
    "SUBJECT_NO_WIDTH": Sign(1.5, "letters of no width within a word of the Subject"),
    "SUBJECT_BIDI": Sign(1.5, "the Subject changes the direction of writing where no script needs that"),
    "SUBJECT_MIXED_SCRIPT": Sign(1.5, "letters of several scripts within a word of the Subject"),
    "SUBJECT_STYLED": Sign(0.7, "mathematical, full-width or circled letters in the Subject"),
    "SUBJECT_MARKS": Sign(0.5, "the Subject begins with arrows, boxes or signs that show nothing"),
    "TEXT_NO_WIDTH": Sign(0.1, "letters of no width within many words of the text"),
    "TEXT_BIDI": Sign(1.0, "the text overrides the direction of writing where no script needs that"),
    "TEXT_MIXED_SCRIPT": Sign(1.0, "letters of several scripts within many words of the text"),
    "TEXT_STYLED": Sign(0.5, "many mathematical, full-width or circled letters in the text"),
}
_LATIN: Final = "A-Za-z\u00c0-\u024f"
_IN_SUBJECT: Final = re.compile(rf"(?<=[{_LATIN}])[\u00ad\u034f\u180e\u200b-\u200d\u2060\ufeff]{{1,9}}(?=[{_LATIN}])")
# The soft hyphen has its use in long text.
_IN_TEXT: Final = re.compile(rf"(?<=[{_LATIN}])[\u034f\u180e\u200b-\u200d\u2060\ufeff]{{1,9}}(?=[{_LATIN}])")
_DIRECTION: Final = re.compile("[\u202a\u202b\u202d\u202e\u2066-\u2068]")
_OVERRIDE: Final = re.compile("[\u202d\u202e]")
_RIGHT_TO_LEFT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_NOT_IN_LETTERS: Final = re.compile("[\u034f\u180e\u200b-\u200d\u2060\ufeff\u202d\u202e]")
"""What `_IN_TEXT` and `_OVERRIDE` look for."""
_MANY_WORDS: Final = 5
_MANY_LETTERS: Final = 20
_STYLED_IN_SUBJECT: Final = 4


def found_in(message: Message) -> Iterator[Found]:
    """Yield the signs of the Subject and of the text a reader sees."""
    subject = message.subject
    if not subject.isascii():
        if _IN_SUBJECT.search(subject):
            yield Found("SUBJECT_NO_WIDTH", SIGNS["SUBJECT_NO_WIDTH"].meaning)
        if _DIRECTION.search(subject) and not _RIGHT_TO_LEFT.search(subject):
            yield Found("SUBJECT_BIDI", SIGNS["SUBJECT_BIDI"].meaning)
        mixed = mixed_words(subject)
        if mixed:
            yield Found("SUBJECT_MIXED_SCRIPT", f"the word {mixed[0][:40]!r} in the Subject")
        if styled_letters(subject) >= _STYLED_IN_SUBJECT:
            yield Found("SUBJECT_STYLED", f"{styled_letters(subject)} such letters in the Subject")
        if begins_with_marks(subject):
            yield Found("SUBJECT_MARKS", f"the Subject begins with {subject.lstrip()[:8]!r}")
    text = message.text[: limits.SIGN_CHARS]
    if text.isascii() or not (_NOT_IN_LETTERS.search(text) or may_mislead(text)):
        return
    split = len(_IN_TEXT.findall(text))
    if split >= _MANY_WORDS:
        yield Found("TEXT_NO_WIDTH", f"letters of no width within words, {split} times")
    if _OVERRIDE.search(text) and not _RIGHT_TO_LEFT.search(text):
        yield Found("TEXT_BIDI", SIGNS["TEXT_BIDI"].meaning)
    mixed = mixed_words(text)
    if len(mixed) >= _MANY_WORDS:
        yield Found("TEXT_MIXED_SCRIPT", f"{len(mixed)} such words, as {mixed[0][:40]!r}")
    if styled_letters(text) >= _MANY_LETTERS:
        yield Found("TEXT_STYLED", f"{styled_letters(text)} such letters")
