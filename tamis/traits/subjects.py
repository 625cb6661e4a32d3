"""The form of the Subject."""

import re
from collections.abc import Container, Iterator
from typing import Final

from tamis.traits.family import Expressions, Family, Measure, Numbers, Table, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("SUBJECT_LENGTH", "characters of the Subject", (1, 10, 20, 30, 40, 55, 75, 110)),
    Measure("SUBJECT_WORDS", "words of the Subject", (1, 2, 3, 4, 6, 9, 13)),
    Measure("SUBJECT_CAPITALS", "percent of capitals among the letters of the Subject", (1, 10, 20, 40, 70, 100)),
    Measure("SUBJECT_DIGITS", "digits in the Subject", (1, 2, 3, 5, 9)),
    Measure("SUBJECT_SIGNS", "signs in the Subject other than letters, digits and spaces", (1, 2, 3, 5, 9)),
    Measure("SUBJECT_BANGS", "exclamation marks in the Subject", (1, 2, 3)),
    Measure("SUBJECT_LONGEST_WORD", "letters of the longest word of the Subject", (1, 5, 8, 11, 15)),
    Measure("SUBJECT_NOT_ASCII", "percent of characters beyond ASCII in the Subject", (1, 20, 50)),
    Measure("SUBJECT_CAPITAL_WORDS", "percent of the words of the Subject that begin with a capital", (1, 30, 60, 100)),
)
FLAGS: Final = {
    "SUBJECT_RE": "the Subject begins with Re:",
    "SUBJECT_RE_OTHER": "the Subject begins with AW:, RE:, TR:, SV: or a counted Re",
    "SUBJECT_FORWARD": "the Subject begins with Fwd:, FW: or TR:",
    "SUBJECT_RE_NO_REFERENCE": "the Subject begins with Re: and there is neither In-Reply-To: nor References:",
    "SUBJECT_REFERENCE_NO_RE": "In-Reply-To: or References:, and a Subject that is no reply's",
    "SUBJECT_TAG": "the Subject begins with something in square brackets",
    "SUBJECT_TAG_INSIDE": "square brackets within the Subject",
    "SUBJECT_PATCH": "the Subject is that of a patch, a bug or a commit",
    "SUBJECT_SMALL_FIRST": "the Subject begins with a small letter",
    "SUBJECT_SMALL_ALL": "the Subject has no capital",
    "SUBJECT_CAPITALS_ALL": "the Subject has ten letters or more, all capitals",
    "SUBJECT_ONE_CAPITAL": "the Subject has one capital, its first letter",
    "SUBJECT_ENDS_BANG": "the Subject ends with an exclamation mark",
    "SUBJECT_ENDS_QUESTION": "the Subject ends with a question mark",
    "SUBJECT_ENDS_DOT": "the Subject ends with a full stop",
    "SUBJECT_ENDS_DOTS": "the Subject ends with dots",
    "SUBJECT_ENDS_DIGITS": "the Subject ends with digits",
    "SUBJECT_ENDS_WORD_SMALL": "the Subject has several words and ends with a small one of two letters or fewer",
    "SUBJECT_ENDS_LETTERS": "the Subject ends with a word without vowels, as mailings add to differ",
    "SUBJECT_BEGINS_SIGN": "the Subject begins with a sign",
    "SUBJECT_BEGINS_DIGIT": "the Subject begins with a digit",
    "SUBJECT_QUESTION": "a question mark within the Subject",
    "SUBJECT_DOLLAR": "a sum of money in the Subject",
    "SUBJECT_PERCENT": "a percentage in the Subject",
    "SUBJECT_STAR": "a star in the Subject",
    "SUBJECT_HASH": "a number sign in the Subject",
    "SUBJECT_COLON": "a colon within the Subject",
    "SUBJECT_COMMA": "a comma in the Subject",
    "SUBJECT_HYPHEN": "a hyphen or dash between spaces in the Subject",
    "SUBJECT_QUOTES": "quotation marks in the Subject",
    "SUBJECT_APOSTROPHE": "an apostrophe in the Subject",
    "SUBJECT_PARENTHESES": "parentheses in the Subject",
    "SUBJECT_UNDERSCORE": "an underscore in the Subject",
    "SUBJECT_SLASH": "a slash in the Subject",
    "SUBJECT_BAR": "a vertical bar in the Subject",
    "SUBJECT_DOTS_IN_WORD": "dots between letters in the Subject",
    "SUBJECT_SPACES": "two spaces in a row in the Subject",
    "SUBJECT_GAP": "five spaces in a row or more in the Subject",
    "SUBJECT_MARKS_REPEATED": "the same sign twice in a row in the Subject",
    "SUBJECT_LETTERS_REPEATED": "the same letter three times in a row in the Subject",
    "SUBJECT_DIGIT_IN_WORD": "a digit between letters in the Subject",
    "SUBJECT_CASE_IN_WORD": "a capital behind a small letter in a word of the Subject",
    "SUBJECT_NUMBER_LONG": "a number of six digits or more in the Subject",
    "SUBJECT_DATE": "a date in the Subject",
    "SUBJECT_URL": "a host in the Subject",
    "SUBJECT_ADDRESS": "a mail address in the Subject",
    "SUBJECT_EMOJI": "a pictogram or symbol in the Subject",
    "SUBJECT_ACCENTS": "Latin letters with accents in the Subject",
    "SUBJECT_YOU": "the Subject speaks to the reader: you, your, vous, votre",
    "SUBJECT_I": "the Subject speaks of the author: I, me, my, we, our, je, nous",
    "SUBJECT_IN_TEXT": "the Subject stands in the text",
    "SUBJECT_WORDS_NOT_IN_TEXT": "two words or more of the Subject, and none is in the text",
    "SUBJECT_NO_VOWELS": "a word of the Subject of four letters or more without vowels",
    "SUBJECT_VERB_FIRST": "the Subject begins with a demand: get, buy, save, try, découvrez, profitez",
    "SUBJECT_GREETING": "the Subject is a greeting",
    "SUBJECT_NAME_COMMA": "the Subject begins with a word and a comma",
}
_RE: Final = re.compile(r"re\s?:", re.I)
_RE_OTHER: Final = re.compile(r"(?:aw|sv|antw|rif|réf|ref|re\s?[\[(*^]\d+[\])]?)\s?:", re.I)
_FORWARD: Final = re.compile(r"(?:fwd?|tr|wg)\s?:", re.I)
_PATCH: Final = re.compile(r"\bpatch\b|\bbug\b|\bcvs\b|\bcommit\b|\[rfc|r\d{4,}|\bticket\b", re.I)
_DOTS: Final = re.compile(r"[a-z]\.[a-z]\.[a-z]|[a-z]\.[a-z]{3,}\.[a-z]", re.I)
_SAME_SIGN: Final = re.compile(r"([!?$*.,#~=-])\1")
_SAME_LETTER: Final = re.compile(r"([a-z])\1\1", re.I)
_DIGIT_IN: Final = re.compile(r"[a-z]\d[a-z]", re.I)
_CASE_IN: Final = re.compile(r"[a-z][A-Z]")
_LONG: Final = re.compile(r"\d{6}")
_DATE: Final = re.compile(
    r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b|\b20[0-3]\d-\d\d"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? \d",
    re.I,
)
_HOST: Final = re.compile(r"\b[a-z0-9-]{2,}\.(?:com|net|org|fr|biz|info|co|de|io)\b", re.I)
_EMOJI: Final = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
_ACCENTED: Final = re.compile("[\u00c0-\u017f]")
_YOU: Final = re.compile(r"\b(?:you|your|yours|vous|votre|vos|sie|ihr|ihre|usted|su)\b", re.I)
_I: Final = re.compile(r"\b(?:i|me|my|we|our|us|je|j'ai|nous|notre|mon|ma)\b", re.I)
_VERBS: Final = re.compile(
    r"\s*(?:get|buy|save|try|see|find|make|earn|win|stop|start|check|view|enjoy|learn|order|lose|meet|discover|don't"
    r"|découvrez|profitez|gagnez|recevez|obtenez)\b",
    re.I,
)
_GREETING: Final = re.compile(r"\s*(?:hi|hello|hey|dear|greetings?|good (?:day|morning)|bonjour|salut|hallo)\b", re.I)
_MONEY: Final = re.compile(r"[$€£]\s?\d|\d\s?(?:[$€£]|usd|eur|euros?|dollars?)", re.I)
_VOWELS: Final = re.compile(r"[aeiouy\u00c0-\u017f]", re.I)
_NAME_COMMA: Final = re.compile(r"\w{2,20},")
_PLAIN: Final = Table(
    ("SUBJECT_QUESTION", "?"),
    ("SUBJECT_STAR", "*"),
    ("SUBJECT_HASH", "#"),
    ("SUBJECT_COMMA", ","),
    ("SUBJECT_HYPHEN", " - "),
    ("SUBJECT_HYPHEN", " – "),
    ("SUBJECT_QUOTES", '"'),
    ("SUBJECT_QUOTES", "«"),
    ("SUBJECT_APOSTROPHE", "'"),
    ("SUBJECT_APOSTROPHE", "’"),
    ("SUBJECT_PARENTHESES", "("),
    ("SUBJECT_UNDERSCORE", "_"),
    ("SUBJECT_SLASH", "/"),
    ("SUBJECT_BAR", "|"),
    ("SUBJECT_SPACES", "  "),
    ("SUBJECT_GAP", "     "),
    ("SUBJECT_ADDRESS", "@"),
)
_REPEATED: Final = Table(("SUBJECT_MARKS_REPEATED", _SAME_SIGN), ("SUBJECT_LETTERS_REPEATED", _SAME_LETTER))
_EXPRESSIONS: Final = Expressions(
    ("SUBJECT_PATCH", _PATCH),
    ("SUBJECT_DOTS_IN_WORD", _DOTS),
    ("SUBJECT_DIGIT_IN_WORD", _DIGIT_IN),
    ("SUBJECT_CASE_IN_WORD", _CASE_IN),
    ("SUBJECT_NUMBER_LONG", _LONG),
    ("SUBJECT_DATE", _DATE),
    ("SUBJECT_URL", _HOST),
    ("SUBJECT_YOU", _YOU),
    ("SUBJECT_I", _I),
    ("SUBJECT_DOLLAR", _MONEY),
)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    subject = letter.subject[:300].strip()
    if not subject:
        return
    words = letter.subject_words[:60]
    letters = "".join(words)
    capitals = sum(map(str.isupper, letters))
    numbers["SUBJECT_LENGTH"] = len(subject)
    numbers["SUBJECT_WORDS"] = len(words)
    numbers["SUBJECT_CAPITALS"] = percent(capitals, len(letters))
    numbers["SUBJECT_DIGITS"] = sum(map(str.isdigit, subject))
    numbers["SUBJECT_SIGNS"] = len(subject) - sum(map(str.isalnum, subject)) - sum(map(str.isspace, subject))
    numbers["SUBJECT_BANGS"] = subject.count("!")
    numbers["SUBJECT_LONGEST_WORD"] = max(map(len, words), default=0)
    numbers["SUBJECT_CAPITAL_WORDS"] = percent(sum(word[0].isupper() for word in words), len(words))
    yield from {flag for flag, sign in _PLAIN.of(letter) if sign in subject}
    yield from _EXPRESSIONS.of(subject, letter)
    yield from [flag for flag, pattern in _REPEATED.of(letter) if pattern.search(subject)]
    if not subject.isascii():
        numbers["SUBJECT_NOT_ASCII"] = max(1, percent(sum(mark > "\x7f" for mark in subject), len(subject)))
        if "SUBJECT_EMOJI" in letter.asked and _EMOJI.search(subject):
            yield "SUBJECT_EMOJI"
        if "SUBJECT_ACCENTS" in letter.asked and _ACCENTED.search(subject):
            yield "SUBJECT_ACCENTS"
    yield from _reply(letter, subject)
    yield from _ends(subject, words, letters, capitals, letter.asked)
    yield from _beside_text(letter, subject, words)


def _reply(letter: Letter, subject: str) -> Iterator[str]:
    asked, answers = letter.asked, "in-reply-to" in letter.has or "references" in letter.has
    if _RE.match(subject):
        yield "SUBJECT_RE"
        if not answers:
            yield "SUBJECT_RE_NO_REFERENCE"
    elif answers and "re:" not in subject.lower():
        yield "SUBJECT_REFERENCE_NO_RE"
    if "SUBJECT_RE_OTHER" in asked and _RE_OTHER.match(subject):
        yield "SUBJECT_RE_OTHER"
    if "SUBJECT_FORWARD" in asked and _FORWARD.match(subject):
        yield "SUBJECT_FORWARD"
    rest = _RE.sub("", subject, count=1).lstrip()
    if rest[:1] == "[":
        yield "SUBJECT_TAG"
    elif "[" in rest:
        yield "SUBJECT_TAG_INSIDE"
    if ":" in rest[4:]:
        yield "SUBJECT_COLON"
    if "SUBJECT_VERB_FIRST" in asked and _VERBS.match(rest):
        yield "SUBJECT_VERB_FIRST"
    if "SUBJECT_GREETING" in asked and _GREETING.match(rest):
        yield "SUBJECT_GREETING"
    if "SUBJECT_NAME_COMMA" in asked and _NAME_COMMA.match(rest):
        yield "SUBJECT_NAME_COMMA"


def _ends(subject: str, words: list[str], letters: str, capitals: int, asked: Container[str]) -> Iterator[str]:
    first, last = subject[0], subject[-1]
    if last in "!?":
        yield "SUBJECT_ENDS_BANG" if last == "!" else "SUBJECT_ENDS_QUESTION"
    elif last == ".":
        yield "SUBJECT_ENDS_DOTS" if subject.endswith("..") else "SUBJECT_ENDS_DOT"
    elif last.isdigit():
        yield "SUBJECT_ENDS_DIGITS"
    if first.isdigit():
        yield "SUBJECT_BEGINS_DIGIT"
    elif first.islower():
        yield "SUBJECT_SMALL_FIRST"
    elif not first.isalpha() and first != "[":
        yield "SUBJECT_BEGINS_SIGN"
    if letters and not capitals and letters.isascii():
        yield "SUBJECT_SMALL_ALL"
    if capitals == 1 and letters[0].isupper() and len(words) > 2:
        yield "SUBJECT_ONE_CAPITAL"
    if len(letters) > 9 and capitals == len(letters):
        yield "SUBJECT_CAPITALS_ALL"
    if "SUBJECT_PERCENT" in asked and "%" in subject and any(map(str.isdigit, subject)):
        yield "SUBJECT_PERCENT"
    if len(words) > 2 and words[-1].isascii():
        if words[-1].islower() and len(words[-1]) < 3:
            yield "SUBJECT_ENDS_WORD_SMALL"
        if "SUBJECT_ENDS_LETTERS" in asked and len(words[-1]) > 3 and not _VOWELS.search(words[-1]):
            yield "SUBJECT_ENDS_LETTERS"
    if "SUBJECT_NO_VOWELS" in asked and any(
        len(word) > 3 and word.isascii() and not _VOWELS.search(word) for word in words
    ):
        yield "SUBJECT_NO_VOWELS"


def _beside_text(letter: Letter, subject: str, words: list[str]) -> Iterator[str]:
    asked = letter.asked
    text = letter.low[:4000] if letter.text.isascii() else letter.text[:4000].lower()
    if "SUBJECT_IN_TEXT" in asked and len(subject) > 7 and subject.lower() in text:
        yield "SUBJECT_IN_TEXT"
    long = [word.lower() for word in words if len(word) > 3]
    if len(long) > 1 and not any(word in text for word in long):
        yield "SUBJECT_WORDS_NOT_IN_TEXT"


FAMILY: Final = Family("subject", "the form of the Subject", _look, MEASURES, FLAGS)
