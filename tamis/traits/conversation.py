"""Replies and forwarded mail: what is quoted, and whether header, Subject and text tell the same story."""

import re
from collections.abc import Container, Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("QUOTED_LINES", "lines that are quoted with >", (1, 4, 10, 25)),
    Measure("QUOTED_SHARE", "percent of the lines that are quoted with >", (1, 20, 40, 60)),
    Measure("REFERENCES", "Message-IDs in References:", (1, 2, 3, 5, 9)),
)
FLAGS: Final = {
    "QUOTE_TWICE": "a quotation within a quotation",
    "QUOTE_WROTE": "a line that says who wrote what is quoted",
    "QUOTE_WROTE_FRENCH": "such a line in French, German or Spanish",
    "QUOTE_ORIGINAL": "a line that says: original message",
    "QUOTE_FORWARDED": "a line that says: forwarded message",
    "QUOTE_HEADER": "a header quoted in the text: From:, Sent:, To:, Subject:",
    "QUOTE_FIRST": "the text begins with what is quoted",
    "QUOTE_ABOVE": "the text ends with what is quoted",
    "QUOTE_BAR": "lines quoted with a bar or a word before the sign",
    "QUOTE_MARKUP": "a quotation in HTML as mail programs write it",
    "QUOTE_NO_ANSWER": "quoted lines, and the header speaks of no reply",
    "ANSWER_NO_QUOTE": "the header speaks of a reply, and nothing is quoted",
    "ANSWER_BOTH": "both In-Reply-To: and References:",
    "ANSWER_REFERENCES_ONLY": "References: without In-Reply-To:",
    "ANSWER_TO_ONLY": "In-Reply-To: without References:",
    "ANSWER_WORDS": "In-Reply-To: with words beside the Message-ID",
    "ANSWER_LAST_AGREES": "In-Reply-To: is the last of References:",
    "ANSWER_LAST_DIFFERS": "In-Reply-To: is not the last of References:",
    "ANSWER_OWN_HOST": "In-Reply-To: is of the same host as Message-ID:",
    "SIGNATURE": "a signature below two hyphens and a space",
    "SIGNATURE_NO_SPACE": "a signature below two hyphens alone",
    "SIGNATURE_MOBILE": "a last line that tells the device it was sent from",
    "SIGNATURE_PHONE": "a telephone number in the last 200 characters",
    "SIGNATURE_URL": "a URL in the last 200 characters",
    "SIGNATURE_ADDRESS": "a mail address in the last 200 characters",
    "SIGNATURE_WEBMAIL": "the lines that a web mailer adds",
    "SIGNATURE_PGP": "text signed or encrypted by PGP",
    "SIGNATURE_NAME": "a last line of one or two words that begin with capitals",
    "SIGNATURE_TITLE": "a last part that names a position: manager, director, professor",
    "ANSWER_SHORT": "a reply with fewer than 30 words of its own",
}
_MOBILE: Final = re.compile(
    r"sent (?:from|via|using) (?:my|a|the)|envoyé (?:de|depuis)|von meinem|get outlook for", re.I
)
_PHONE: Final = re.compile(r"\d{3}[).\s-]{1,2}\d{3}[.\s-]\d{4}|\+\d{2,3}[\s(.-]\d|\b0\d(?:[ .]\d\d){4}")
_WEBMAIL: Final = re.compile(
    r"do you yahoo|msn\.com|hotmail\.com|yahoo! mail|__________\n|get your free|windows live|laposte\.net", re.I
)
_TITLE: Final = re.compile(
    r"\b(?:manager|director|professor|engineer|president|directeur|ingénieur|assistant|consultant|ceo|officer)\b", re.I
)
_MARKUP: Final = ("gmail_quote", 'type="cite"', "type=cite", "moz-cite-prefix", "border-left:")
_NAME: Final = re.compile(r"[A-Z][\w.'-]{1,20}(?: [A-Z][\w.'-]{0,20})?")


_OWN: Final = frozenset(FLAGS)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    lines = [line.lstrip() for line in letter.lines] if ">" in letter.text else []
    quoted = [line for line in lines if line[:1] == ">"]
    text = letter.text
    answers = "in-reply-to" in letter.has or "references" in letter.has
    if quoted:
        numbers["QUOTED_LINES"] = len(quoted)
        numbers["QUOTED_SHARE"] = percent(len(quoted), sum(map(bool, lines)))
        yield from _quoted(lines, quoted)
        if not answers:
            yield "QUOTE_NO_ANSWER"
    elif answers:
        yield "ANSWER_NO_QUOTE"
    if answers:
        yield from _header(letter, numbers)
        if letter.spoken[0] - sum(line.count(" ") + 1 for line in quoted) < 30:
            yield "ANSWER_SHORT"
    if "QUOTE_MARKUP" in letter.asked and letter.html and any(mark in letter.html_lower for mark in _MARKUP):
        yield "QUOTE_MARKUP"
    yield from letter.marks & _OWN
    yield from _end(text, letter.asked)


def _quoted(lines: list[str], quoted: list[str]) -> Iterator[str]:
    if any(line[1:4].lstrip().startswith(">") for line in quoted):
        yield "QUOTE_TWICE"
    full = [line for line in lines if line]
    if full[0][0] == ">":
        yield "QUOTE_FIRST"
    if full[-1][0] == ">":
        yield "QUOTE_ABOVE"


def _header(letter: Letter, numbers: Numbers) -> Iterator[str]:
    to, references = letter.field("in-reply-to"), letter.field("references").split()
    numbers["REFERENCES"] = len(references)
    if to and references:
        yield "ANSWER_BOTH"
        yield "ANSWER_LAST_AGREES" if references[-1] in to else "ANSWER_LAST_DIFFERS"
    elif references:
        yield "ANSWER_REFERENCES_ONLY"
    elif to:
        yield "ANSWER_TO_ONLY"
    if to and not to.startswith("<"):
        yield "ANSWER_WORDS"
    host = letter.field("message-id").rpartition("@")[2].strip("> ").lower()
    if host and to.lower().strip("> ").endswith(f"@{host}"):
        yield "ANSWER_OWN_HOST"


def _end(text: str, asked: Container[str]) -> Iterator[str]:
    if "SIGNATURE_PGP" in asked and "BEGIN PGP" in text:
        yield "SIGNATURE_PGP"
    end = text.rstrip()[-200:]
    if "://" in end or "www." in end:
        yield "SIGNATURE_URL"
    if "@" in end:
        yield "SIGNATURE_ADDRESS"
    if "SIGNATURE_MOBILE" in asked and _MOBILE.search(end):
        yield "SIGNATURE_MOBILE"
    if "SIGNATURE_PHONE" in asked and _PHONE.search(end):
        yield "SIGNATURE_PHONE"
    if "SIGNATURE_WEBMAIL" in asked and _WEBMAIL.search(text[-500:]):
        yield "SIGNATURE_WEBMAIL"
    if "SIGNATURE_TITLE" in asked and _TITLE.search(end):
        yield "SIGNATURE_TITLE"
    if "SIGNATURE_NAME" in asked and _NAME.fullmatch(end.rpartition("\n")[2].strip()):
        yield "SIGNATURE_NAME"


FAMILY: Final = Family("conversation", "replies, quotations and signatures", _look, MEASURES, FLAGS, of_the_header=True)
