"""The scripts and the languages of Subject and text."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.traits.common_words import COMMON, OF
from tamis.traits.family import Family, Measure, Numbers, Table, percent
from tamis.traits.letter import SPOKEN, Letter

MEASURES: Final = (
    Measure("ENGLISH", "percent of the words that are the commonest of English", (1, 15, 25, 35, 45)),
    Measure("FRENCH", "percent of the words that are the commonest of French", (3, 15, 30)),
    Measure("GERMAN", "percent of the words that are the commonest of German", (3, 15)),
    Measure("SPANISH", "percent of the words that are the commonest of Spanish or Portuguese", (3, 15)),
    Measure("HAN", "percent of the letters that are Chinese", (1, 30, 60, 90)),
    Measure("LATIN_IN_HAN", "percent of Latin letters in a text that has Chinese ones", (1, 10, 40)),
)
FLAGS: Final = {
    "SCRIPT_CYRILLIC": "Cyrillic letters in the text",
    "SCRIPT_KANA": "Japanese syllables in the text",
    "SCRIPT_HANGUL": "Korean letters in the text",
    "SCRIPT_GREEK": "Greek letters in the text",
    "SCRIPT_RIGHT_TO_LEFT": "Arabic or Hebrew letters in the text",
    "SCRIPT_ACCENTS": "three Latin letters with accents or more in the text",
    "SCRIPT_FULL_WIDTH": "full-width signs or letters in the text",
    "SCRIPT_SUBJECT_ONLY": "the Subject has letters beyond Latin and the text has none",
    "SCRIPT_UNDECODED": "characters in the text that could not be decoded",
    "SCRIPT_SEVERAL": "letters of three scripts in the text",
    "HAN_TRADITIONAL": "traditional Chinese characters",
    "HAN_INVOICE": "Chinese words about invoices",
    "HAN_COMPANY": "Chinese words about companies and business",
    "HAN_COURSE": "Chinese words about courses and management",
    "HAN_TELEPHONE": "Chinese words about telephones",
    "HAN_WE": "Chinese words for I and we",
    "HAN_YOU_POLITE": "the polite Chinese word for you",
    "HAN_FORUM": "Chinese words about forums, friends and school",
    "HAN_LAUGH": "Chinese particles of spoken language",
    "HAN_FREE": "Chinese words for what is free or on offer",
    "LANGUAGE_NONE": "twenty words or more, and none of the commonest of five languages",
    "LANGUAGE_TWO": "words of two languages",
    "LANGUAGE_SUBJECT_OTHER": "a Subject of five words or more without any common word, above an English text",
    "FRENCH_VOUS": "French that says vous",
    "FRENCH_TU": "French that says tu",
}
_RANGES: Final = Table(
    ("SCRIPT_CYRILLIC", re.compile("[\u0400-\u04ff]")),
    ("SCRIPT_KANA", re.compile("[\u3040-\u30ff]")),
    ("SCRIPT_HANGUL", re.compile("[\uac00-\ud7af]")),
    ("SCRIPT_GREEK", re.compile("[\u0370-\u03ff]")),
    ("SCRIPT_RIGHT_TO_LEFT", re.compile("[\u0590-\u06ff]")),
    ("SCRIPT_FULL_WIDTH", re.compile("[\uff01-\uff5e]")),
    ("SCRIPT_UNDECODED", re.compile("\ufffd")),
)
_HAN: Final = re.compile("[\u3400-\u9fff]")
_ACCENTED: Final = re.compile("[\u00c0-\u017f]")
_BEYOND: Final = re.compile("[\u0370-\u06ff\u3040-\u9fff\uac00-\ud7af]")
_CHINESE: Final = Table(
    ("HAN_TRADITIONAL", re.compile("[們個這來說對時國會發經學樣點為與]")),
    ("HAN_INVOICE", re.compile("发票|發票|税|代开")),
    ("HAN_COMPANY", re.compile("公司|企业|有限|业务|客户|合作")),
    ("HAN_COURSE", re.compile("培训|课程|管理|讲师|研讨")),
    ("HAN_TELEPHONE", re.compile("电话|手机|联系|传真|電話")),
    ("HAN_WE", re.compile("我们|我")),
    ("HAN_YOU_POLITE", re.compile("您")),
    ("HAN_FORUM", re.compile("同学|老师|朋友|女生|大学|论坛|宿舍|水木")),
    ("HAN_LAUGH", re.compile("呵呵|哈哈|吧|啊|嘛|呢|哦")),
    ("HAN_FREE", re.compile("免费|优惠|特价|价格|赠送")),
)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    number, _, _, found = letter.spoken
    number = min(number, SPOKEN)
    counts = dict(zip(COMMON, found, strict=True))
    shares = {language: percent(count, number) for language, count in counts.items()} if number > 4 else counts
    if number > 4:
        numbers.update(shares)
    spoken = [language for language, share in shares.items() if share >= 5]
    if len(spoken) > 1:
        yield "LANGUAGE_TWO"
    if number >= 20 and not any(found):
        yield "LANGUAGE_NONE"
    if "LANGUAGE_SUBJECT_OTHER" in letter.asked and shares["ENGLISH"] >= 15:
        subject = [word.lower() for word in letter.subject_words]
        if len(subject) > 4 and not any(word in OF for word in subject):
            yield "LANGUAGE_SUBJECT_OTHER"
    if letter.asks(("FRENCH_VOUS", "FRENCH_TU")) and shares["FRENCH"] >= 5 and number > 4:
        words = letter.words[:SPOKEN]
        if "vous" in words or "votre" in words:
            yield "FRENCH_VOUS"
        if "tu" in words or "toi" in words:
            yield "FRENCH_TU"
    if not letter.text.isascii():
        yield from _scripts(letter, numbers)
    if not letter.subject.isascii() and _BEYOND.search(letter.subject) and not _BEYOND.search(letter.text):
        yield "SCRIPT_SUBJECT_ONLY"


def _scripts(letter: Letter, numbers: Numbers) -> Iterator[str]:
    text, asked = letter.text, letter.asked
    ranges = _RANGES.all if "SCRIPT_SEVERAL" in asked else _RANGES.of(letter)
    scripts = {flag for flag, pattern in ranges if pattern.search(text)}
    yield from scripts
    han = len(_HAN.findall(text))
    if "SCRIPT_ACCENTS" in asked and len(_ACCENTED.findall(text)) > 2:
        yield "SCRIPT_ACCENTS"
    latin = letter.counts.of(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    scripts -= {"SCRIPT_FULL_WIDTH", "SCRIPT_UNDECODED"}
    if len(scripts) + (han > 0) + (latin > 0) > 2:
        yield "SCRIPT_SEVERAL"
    if han:
        numbers["HAN"] = max(1, percent(han, han + latin))
        numbers["LATIN_IN_HAN"] = percent(latin, han + latin)
        yield from (flag for flag, pattern in _CHINESE.of(letter) if pattern.search(text))


FAMILY: Final = Family("languages", "scripts and languages", _look, MEASURES, FLAGS)
