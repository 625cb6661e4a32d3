"""Signs of mail to many, and whether it behaves as RFC 2369, 2919 and 8058 ask."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.traits.family import Expressions, Family, Measure, Numbers
from tamis.traits.letter import Letter

MEASURES: Final = (Measure("LIST_FIELDS", "fields whose names begin with List-", (1, 2, 3, 4, 5, 6)),)
FLAGS: Final = {
    "LIST_MAILMAN": "a list run by Mailman",
    "LIST_MAJORDOMO": "a list run by Majordomo or another that adds X-Mailing-List:",
    "LIST_YAHOO": "a list of Yahoo Groups or eGroups",
    "LIST_EZMLM": "a list run by ezmlm",
    "LIST_UNSUBSCRIBE_MAIL": "List-Unsubscribe: with an address",
    "LIST_UNSUBSCRIBE_WEB": "List-Unsubscribe: with a page",
    "LIST_UNSUBSCRIBE_BOTH": "List-Unsubscribe: with an address and a page",
    "LIST_UNSUBSCRIBE_CLICK": "List-Unsubscribe-Post: one click is enough",
    "LIST_UNSUBSCRIBE_AUTHOR": "List-Unsubscribe: leads to the author's domain",
    "LIST_UNSUBSCRIBE_NO_ID": "List-Unsubscribe: without List-Id:",
    "LIST_ID_AUTHOR": "List-Id: is in the author's domain",
    "LIST_ID_RECIPIENT": "List-Id: has the recipient's local part",
    "LIST_ID_NAMED": "List-Id: has a description",
    "LIST_TAG": "the Subject has the name of the list in square brackets",
    "LIST_FOOTER": "the text ends as lists end it: a line of underscores and an address",
    "BULK_NO_LIST": "Precedence: bulk without any field of a list",
    "BULK_UNSUBSCRIBE_TEXT": "a way to unsubscribe in the last fifth of the text",
    "BULK_UNSUBSCRIBE_NO_FIELD": "a way to unsubscribe in the text and no List-Unsubscribe:",
    "BULK_VIEW_FIRST": "the text begins with how to see it in a browser",
    "BULK_POSTAL_END": "a postal address in the last 400 characters",
    "BULK_COPYRIGHT_END": "a copyright in the last 400 characters",
    "BULK_TO_ONE": "an unsubscribing link and one recipient, without any field of a list",
    "BULK_BOUNCE_ADDRESS": "Errors-To:, Return-Path: or Sender: with the recipient's address in it",
    "BULK_ID_IN_TEXT": "a word of digits and letters alone in the last line",
    "BULK_AUTO": "Auto-Submitted: says that a machine wrote it",
    "BULK_LINK_MANY": "ten links or more and a way to unsubscribe",
    "AD_LABELLED": "the Subject says that it is an advertisement",
}
_UNSUBSCRIBE: Final = re.compile(
    r"unsubscri|opt[- ]?out|d[ée]sabonn|d[ée]sinscri|remove yourself|no longer (?:wish|want)|abmelden|ne plus recevoir",
    re.I,
)
_VIEW: Final = re.compile(r"view|version|browser|navigateur|cannot (?:see|read)|trouble|probl[eè]me|online", re.I)
_POSTAL: Final = re.compile(
    r"\b[A-Z]{2}\.? {1,2}\d{5}\b|\b\d{5} [A-Z][a-zA-Z]+|\bP\.? ?O\.? Box\b|\bSuite \d|\bStreet\b|\bAve(?:nue)?\b"
)
_COPYRIGHT: Final = re.compile(r"©|\(c\)|copyright|all rights|tous droits", re.I)
_IN_LAST_FIFTH: Final = Expressions(("BULK_UNSUBSCRIBE_TEXT", _UNSUBSCRIBE))
_AT_END: Final = Expressions(("BULK_POSTAL_END", _POSTAL), ("BULK_COPYRIGHT_END", _COPYRIGHT))
_FOOTER: Final = re.compile(r"\n[_-]{20,80}\s*\n[^\n]{0,100}\n?[^\n]{0,200}(?:@|https?://)")
_WORD: Final = re.compile(r"(?=[a-z]*\d)[a-z0-9]{6,40}", re.I)
_AD: Final = re.compile(r"\b(?:adv?|advertisement|pub|werbung)\b\s?[:\])]", re.I)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    has = letter.has
    lists = sum(name.startswith("list-") for name in has)
    numbers["LIST_FIELDS"] = lists
    if lists or "mailing-list" in has or "x-mailing-list" in has:
        yield from _list(letter)
    elif letter.field("precedence").lower() == "bulk":
        yield "BULK_NO_LIST"
    if letter.field("auto-submitted").lower().startswith("auto"):
        yield "BULK_AUTO"
    asked = letter.asked
    if "AD_LABELLED" in asked and _AD.search(letter.subject[:40]):
        yield "AD_LABELLED"
    if "BULK_BOUNCE_ADDRESS" in asked and letter.boxes:
        written = f"{letter.field('errors-to')} {letter.field('return-path')} {letter.field('sender')}".lower()
        local, _, domain = letter.boxes[0][1].partition("@")
        if len(local) > 2 and domain and local in written and domain in written and "=" in written:
            yield "BULK_BOUNCE_ADDRESS"
    yield from _text(letter, lists)


def _list(letter: Letter) -> Iterator[str]:
    has = letter.has
    if "x-mailman-version" in has:
        yield "LIST_MAILMAN"
    elif "x-mailing-list" in has:
        yield "LIST_MAJORDOMO"
    elif "x-egroups-return" in has or "yahoogroups" in letter.field("list-unsubscribe"):
        yield "LIST_YAHOO"
    elif "ezmlm" in letter.field("mailing-list"):
        yield "LIST_EZMLM"
    leave = letter.field("list-unsubscribe").lower()
    if leave:
        mail, web = "mailto:" in leave, "http" in leave
        if mail:
            yield "LIST_UNSUBSCRIBE_MAIL"
        if web:
            yield "LIST_UNSUBSCRIBE_WEB"
        if mail and web:
            yield "LIST_UNSUBSCRIBE_BOTH"
        author = ".".join(letter.domain.split(".")[-2:])
        if author and author in leave:
            yield "LIST_UNSUBSCRIBE_AUTHOR"
        if "list-id" not in has:
            yield "LIST_UNSUBSCRIBE_NO_ID"
    if "list-unsubscribe-post" in has:
        yield "LIST_UNSUBSCRIBE_CLICK"
    known = letter.field("list-id").lower()
    if known:
        if letter.domain and letter.domain in known:
            yield "LIST_ID_AUTHOR"
        if letter.boxes and letter.boxes[0][1].partition("@")[0] in known:
            yield "LIST_ID_RECIPIENT"
        name = known.rpartition("<")[2].partition(".")[0]
        if known.partition("<")[0].strip():
            yield "LIST_ID_NAMED"
        if len(name) > 1 and f"[{name}" in letter.subject.lower():
            yield "LIST_TAG"


def _text(letter: Letter, lists: int) -> Iterator[str]:
    text, asked = letter.text, letter.asked
    if not text:
        return
    if "LIST_FOOTER" in asked and _FOOTER.search(text[-1000:]):
        yield "LIST_FOOTER"
    if "UNSUBSCRIBE" in letter.marks:
        yield from _IN_LAST_FIFTH.of(text[-max(300, len(text) // 5) :], letter)
        if "list-unsubscribe" not in letter.has:
            yield "BULK_UNSUBSCRIBE_NO_FIELD"
        if not lists and len(letter.boxes) == 1:
            yield "BULK_TO_ONE"
        if len(letter.urls) > 9:
            yield "BULK_LINK_MANY"
    if "BULK_VIEW_FIRST" in asked and _VIEW.search(text.lstrip()[:80]):
        yield "BULK_VIEW_FIRST"
    yield from _AT_END.of(text[-400:], letter)
    if "BULK_ID_IN_TEXT" in asked and _WORD.fullmatch(text.rstrip()[-60:].rpartition("\n")[2].strip()):
        yield "BULK_ID_IN_TEXT"


FAMILY: Final = Family("mailings", "signs of mail to many", _look, MEASURES, FLAGS, of_the_header=True)
