"""Addresses and display names of authors and recipients."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.phishing.brands import is_freemail
from tamis.traits.family import Family, Measure, Numbers, Table
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("FROM_LOCAL_LENGTH", "characters of the author's local part", (1, 5, 8, 12, 18)),
    Measure("FROM_LOCAL_DIGITS", "digits in the author's local part", (1, 2, 3, 5)),
    Measure("FROM_DOMAIN_LENGTH", "characters of the author's domain", (3, 9, 13, 18, 25)),
    Measure("FROM_DOMAIN_LABELS", "labels of the author's domain", (2, 3, 4)),
    Measure("FROM_NAME_WORDS", "words of the author's name", (1, 2, 3, 4, 6)),
    Measure("FROM_NAME_LENGTH", "characters of the author's name", (1, 8, 12, 16, 22, 35)),
    Measure("RECIPIENTS", "addresses in To:", (1, 2, 3, 5, 10)),
    Measure("COPIES", "characters of Cc:", (1, 30, 100, 300)),
)
FLAGS: Final = {
    "FROM_TOP_COM": "the author's domain is in com",
    "FROM_TOP_NET": "the author's domain is in net",
    "FROM_TOP_ORG": "the author's domain is in org",
    "FROM_TOP_INFO": "the author's domain is in info or biz",
    "FROM_TOP_SCHOOL": "the author's domain is in edu, gov or mil",
    "FROM_TOP_FRANCE": "the author's domain is in fr, be, ch or ca",
    "FROM_TOP_EUROPE": "the author's domain is in uk, de, it, es, nl or another country of western Europe",
    "FROM_TOP_EAST": "the author's domain is in ru, ua, pl, cz or another country of eastern Europe",
    "FROM_TOP_ASIA": "the author's domain is in cn, tw, hk, jp, kr or in",
    "FROM_TOP_AMERICA": "the author's domain is in us, br, mx, ar or au",
    "FROM_FREEMAIL": "the author's domain gives addresses to anybody",
    "FROM_ROLE_NOREPLY": "the author's local part says not to reply",
    "FROM_ROLE_INFO": "the author's local part is info, contact, sales, support or the like",
    "FROM_ROLE_NEWS": "the author's local part speaks of news, a list or a mailing",
    "FROM_ROLE_DAEMON": "the author is a mail system",
    "FROM_LOCAL_DOT": "a dot in the author's local part",
    "FROM_LOCAL_UNDERSCORE": "an underscore in the author's local part",
    "FROM_LOCAL_HYPHEN": "a hyphen in the author's local part",
    "FROM_LOCAL_SIGNS": "a plus, an equals or another sign in the author's local part",
    "FROM_LOCAL_CONSONANTS": "five consonants in a row in the author's local part",
    "FROM_LOCAL_DIGITS_END": "the author's local part ends with two digits or more",
    "FROM_LOCAL_INITIAL": "the author's local part is one letter and the last word of the name",
    "FROM_DOMAIN_DIGITS": "digits in the author's domain",
    "FROM_DOMAIN_HYPHEN": "a hyphen in the author's domain",
    "FROM_DOMAIN_CONSONANTS": "five consonants in a row in the author's domain",
    "FROM_DOMAIN_MAIL": "the author's domain begins with mail, email, news or the like",
    "FROM_DOMAIN_NO_HOP": "the author's domain is in no Received: field",
    "FROM_NAME_NONE": "the author has no name",
    "FROM_NAME_QUOTED": "the author's name is in quotation marks",
    "FROM_NAME_QUOTED_SINGLE": "the author's name begins with a single quotation mark",
    "FROM_NAME_CAPITALS": "the author's name is in capitals",
    "FROM_NAME_SMALL": "the author's name is in small letters",
    "FROM_NAME_DIGITS": "digits in the author's name",
    "FROM_NAME_COMMA": "a comma in the author's name",
    "FROM_NAME_SIGNS": "an exclamation mark, a star or the like in the author's name",
    "FROM_NAME_DOT": "a dot in the author's name",
    "FROM_NAME_IS_LOCAL": "the author's name is the local part",
    "FROM_NAME_IN_LOCAL": "a word of the author's name is in the local part",
    "FROM_NAME_NOT_IN_ADDRESS": "no word of the author's name is in the address",
    "FROM_NAME_IN_TEXT": "the last word of the author's name is in the text",
    "FROM_NAME_IN_END": "the first word of the author's name is in the last 200 characters of the text",
    "FROM_NAME_IN_SUBJECT": "a word of the author's name is in the Subject",
    "FROM_NAME_TITLE": "the author's name has a title: Dr, Mr, Mrs, Prof",
    "FROM_NAME_COMPANY": "the author's name speaks of a team, a service, a company or a shop",
    "FROM_NAME_INITIAL": "an initial with a dot in the author's name",
    "FROM_ADDRESS_BARE": "From: is an address without angle brackets",
    "FROM_COMMENT": "From: has the name in parentheses",
    "FROM_NO_SPACE": "no space between the author's name and the angle bracket",
    "FROM_ADDRESS_CAPITALS": "capitals in the author's address as written",
    "FROM_IS_TO": "the author is the recipient",
    "FROM_SAME_LOCAL": "author and recipient have the same local part",
    "FROM_SAME_DOMAIN": "author and recipient have the same domain",
    "TO_NONE_DISCLOSED": "To: says that the recipients are not disclosed",
    "TO_NAME": "the recipient has a name",
    "TO_NAME_IS_ADDRESS": "the recipient's name is the address",
    "TO_NAME_IS_LOCAL": "the recipient's name is the local part",
    "TO_NAME_QUOTED": "the recipient's name is in quotation marks",
    "TO_LIST": "the recipient's local part speaks of a list, or ends with users, devel or the like",
    "TO_BRACKETS_ONLY": "To: is an address in angle brackets without a name",
    "TO_LOCAL_IN_TEXT": "the recipient's local part is in the text",
    "TO_LOCAL_IN_SUBJECT": "the recipient's local part is in the Subject",
    "TO_NAME_IN_GREETING": "the recipient's first name is in the first 100 characters of the text",
    "TO_ADDRESS_IN_TEXT": "the recipient's address is in the text",
    "TO_SAME_LOCAL": "recipients with the same local part at different domains",
    "TO_SAME_DOMAIN": "several recipients of one domain",
    "TO_SORTED": "four recipients or more in the order of the alphabet",
    "CC_SEVERAL": "three addresses or more in Cc:",
    "CC_SAME_DOMAIN": "an address in Cc: of the author's domain",
    "REPLY_TO_SAME": "Reply-To: is the author's address",
    "REPLY_TO_SAME_DOMAIN": "Reply-To: is another address in the author's domain",
    "REPLY_TO_LIST": "Reply-To: is the recipient",
    "REPLY_TO_LONG": "Reply-To: has an address with 25 characters or more in its local part",
    "SENDER_SAME": "Sender: is the author",
    "SENDER_OTHER_DOMAIN": "Sender: is of another domain than the author",
    "SENDER_LIST": "Sender: is the owner or the machine of a list",
    "TEXT_ADDRESS": "a mail address in the text",
    "TEXT_ADDRESS_AUTHOR": "the author's address in the text",
}
_TOPS: Final = {
    top: flag
    for tops, flag in (
        ("com", "COM"),
        ("net", "NET"),
        ("org", "ORG"),
        ("info biz", "INFO"),
        ("edu gov mil", "SCHOOL"),
        ("fr be ch ca", "FRANCE"),
        ("uk de it es nl at dk se no fi pt ie lu eu", "EUROPE"),
        ("ru ua pl cz ro bg hu lt lv ee sk", "EAST"),
        ("cn tw hk jp kr in", "ASIA"),
        ("us br mx ar au nz cl co", "AMERICA"),
    )
    for top in tops.split()
}
_CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}")
_ROLES: Final = Table(
    ("FROM_ROLE_NOREPLY", re.compile(r"no[._-]?reply|do[._-]?not[._-]?reply|nepasrepondre")),
    ("FROM_ROLE_INFO", re.compile(r"^(?:info|contact|sales|support|admin|office|service|help|billing|webmaster)")),
    ("FROM_ROLE_NEWS", re.compile(r"news|letter|list|mailing|offer|promo|bulletin|announce|update")),
    ("FROM_ROLE_DAEMON", re.compile(r"daemon|postmaster|bounce|root$|www-data|apache|nobody|^cron")),
)
_TITLE: Final = re.compile(r"\b(?:dr|mr|mrs|ms|prof|sir|mme|barrister|engr|hon)\b", re.I)
_COMPANY: Final = re.compile(
    r"\b(?:team|support|service|customer|client|bank|news|shop|store|inc|ltd|group|company|security|department|dept"
    r"|online|mail|admin|center|offers?|deals?|équipe|banque)\b",
    re.I,
)
_LIST: Final = re.compile(r"list|users?$|devel|announce|discuss|-dev$|forum|group|linux|all$|staff")
_ADDRESS: Final = re.compile(r"@(?<=[\w.+-]@)[\w-]{1,63}\.[\w.-]{2}")
"""From the at sign on, which is rare."""
_WORD: Final = re.compile(r"[^\W_]+")
_INITIAL: Final = re.compile(r"\b[A-Z]\. ")


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    text = letter.low
    subject = letter.subject.lower()
    if letter.author is not None:
        yield from _address(letter, numbers)
        yield from _name(letter, letter.author.name.strip()[:200], text, subject, numbers)
    yield from _written(letter.field("from"))
    yield from _recipients(letter, text, subject, numbers)
    yield from _others(letter, numbers)
    if "@" in text:
        found = _ADDRESS.search(text)
        if found is not None:
            yield "TEXT_ADDRESS"
            if letter.address and letter.address in text:
                yield "TEXT_ADDRESS_AUTHOR"


def _address(letter: Letter, numbers: Numbers) -> Iterator[str]:
    local, _, domain = letter.address[:320].rpartition("@")
    labels = domain.split(".")
    numbers["FROM_LOCAL_LENGTH"] = len(local)
    numbers["FROM_LOCAL_DIGITS"] = sum(map(str.isdigit, local))
    numbers["FROM_DOMAIN_LENGTH"] = len(domain)
    numbers["FROM_DOMAIN_LABELS"] = len(labels)
    if labels[-1] in _TOPS:
        yield f"FROM_TOP_{_TOPS[labels[-1]]}"
    if is_freemail(domain):
        yield "FROM_FREEMAIL"
    yield from (flag for flag, pattern in _ROLES.of(letter) if pattern.search(local))
    asked = letter.asked
    for flag, found in (
        ("FROM_LOCAL_DOT", "." in local),
        ("FROM_LOCAL_UNDERSCORE", "_" in local),
        ("FROM_LOCAL_HYPHEN", "-" in local),
        ("FROM_LOCAL_DIGITS_END", local[-2:].isdigit()),
        ("FROM_DOMAIN_DIGITS", any(map(str.isdigit, domain))),
        ("FROM_DOMAIN_HYPHEN", "-" in domain),
        ("FROM_DOMAIN_MAIL", len(labels) > 2 and labels[0] in ("mail", "email", "news", "e", "em", "mailer", "info")),
    ):
        if found:
            yield flag
    if "FROM_LOCAL_SIGNS" in asked and not local.replace(".", "").replace("_", "").replace("-", "").isalnum():
        yield "FROM_LOCAL_SIGNS"
    if "FROM_LOCAL_CONSONANTS" in asked and _CONSONANTS.search(local):
        yield "FROM_LOCAL_CONSONANTS"
    if "FROM_DOMAIN_CONSONANTS" in asked and _CONSONANTS.search(domain):
        yield "FROM_DOMAIN_CONSONANTS"
    if domain and letter.hops and not any(domain in hop for hop in letter.hops):
        yield "FROM_DOMAIN_NO_HOP"


def _name(letter: Letter, name: str, text: str, subject: str, numbers: Numbers) -> Iterator[str]:
    low = name.lower()
    words = [word for word in _WORD.findall(low) if len(word) > 1][:10]
    numbers["FROM_NAME_LENGTH"] = len(name)
    numbers["FROM_NAME_WORDS"] = len(words)
    if not name:
        yield "FROM_NAME_NONE"
        return
    local = letter.address.partition("@")[0]
    asked = letter.asked
    for flag, found in (
        ("FROM_NAME_QUOTED_SINGLE", name[0] == "'"),
        ("FROM_NAME_CAPITALS", name.isupper() and len(name) > 3),
        ("FROM_NAME_SMALL", name.islower()),
        ("FROM_NAME_COMMA", "," in name),
        ("FROM_NAME_DOT", "." in name),
        ("FROM_NAME_IS_LOCAL", low == local),
    ):
        if found:
            yield flag
    if "FROM_NAME_DIGITS" in asked and any(map(str.isdigit, name)):
        yield "FROM_NAME_DIGITS"
    if "FROM_NAME_SIGNS" in asked and any(sign in name for sign in "!*$#|~[_="):
        yield "FROM_NAME_SIGNS"
    if "FROM_NAME_TITLE" in asked and _TITLE.search(low):
        yield "FROM_NAME_TITLE"
    if "FROM_NAME_COMPANY" in asked and _COMPANY.search(low):
        yield "FROM_NAME_COMPANY"
    if "FROM_NAME_INITIAL" in asked and _INITIAL.search(name):
        yield "FROM_NAME_INITIAL"
    if not words:
        return
    if any(len(word) > 2 and word in local for word in words):
        yield "FROM_NAME_IN_LOCAL"
    elif not any(word in letter.address for word in words):
        yield "FROM_NAME_NOT_IN_ADDRESS"
    if len(words) > 1 and local == words[0][0] + words[-1]:
        yield "FROM_LOCAL_INITIAL"
    if len(words[-1]) > 2 and words[-1] in text:
        yield "FROM_NAME_IN_TEXT"
    if words[0] in text[-200:]:
        yield "FROM_NAME_IN_END"
    if "FROM_NAME_IN_SUBJECT" in asked and any(len(word) > 3 and word in subject for word in words):
        yield "FROM_NAME_IN_SUBJECT"


def _written(written: str) -> Iterator[str]:
    """Yield what is said of From: as it is written."""
    if written.lstrip().startswith('"'):
        yield "FROM_NAME_QUOTED"
    address = written
    if "<" not in written:
        yield "FROM_COMMENT" if "(" in written else "FROM_ADDRESS_BARE"
    else:
        before, _, address = written.rpartition("<")
        if before and not before[-1].isspace():
            yield "FROM_NO_SPACE"
    if address.lower() != address:
        yield "FROM_ADDRESS_CAPITALS"


def _recipients(letter: Letter, text: str, subject: str, numbers: Numbers) -> Iterator[str]:
    written = letter.field("to")
    if "undisclosed" in written.lower():
        yield "TO_NONE_DISCLOSED"
    boxes = letter.boxes
    numbers["RECIPIENTS"] = len(boxes)
    if not boxes:
        return
    name, address = boxes[0][0].strip().lower(), boxes[0][1]
    local, _, domain = address.rpartition("@")
    author = letter.address
    for flag, found in (
        ("FROM_IS_TO", address == author),
        ("FROM_SAME_LOCAL", address != author and local == author.partition("@")[0]),
        ("FROM_SAME_DOMAIN", address != author and domain == letter.domain),
        ("TO_NAME", bool(name)),
        ("TO_NAME_IS_ADDRESS", name == address),
        ("TO_NAME_IS_LOCAL", name == local),
        ("TO_NAME_QUOTED", written.lstrip().startswith('"')),
        ("TO_LIST", "TO_LIST" in letter.asked and _LIST.search(local) is not None),
        ("TO_BRACKETS_ONLY", written.startswith("<")),
        ("TO_LOCAL_IN_TEXT", len(local) > 2 and local in text),
        ("TO_LOCAL_IN_SUBJECT", len(local) > 2 and local in subject),
        ("TO_NAME_IN_GREETING", len(name) > 2 and name.split(None, 1)[0] in text[:100]),
        ("TO_ADDRESS_IN_TEXT", address in text),
    ):
        if found:
            yield flag
    if len(boxes) > 1:
        locals_ = [address.partition("@")[0] for _, address in boxes]
        domains = [address.rpartition("@")[2] for _, address in boxes]
        if len({*locals_}) < len(locals_):
            yield "TO_SAME_LOCAL"
        if len({*domains}) < len(domains):
            yield "TO_SAME_DOMAIN"
        if len(locals_) > 3 and locals_ == sorted(locals_):
            yield "TO_SORTED"


def _others(letter: Letter, numbers: Numbers) -> Iterator[str]:
    copies = letter.field("cc").lower()
    numbers["COPIES"] = len(copies)
    author, domain = letter.address, letter.domain
    if copies.count("@") > 2:
        yield "CC_SEVERAL"
    if domain and f"@{domain}" in copies:
        yield "CC_SAME_DOMAIN"
    reply = letter.field("reply-to").lower()
    if reply and author:
        if author in reply:
            yield "REPLY_TO_SAME"
        elif f"@{domain}" in reply:
            yield "REPLY_TO_SAME_DOMAIN"
        if letter.boxes and letter.boxes[0][1] in reply:
            yield "REPLY_TO_LIST"
        if len(reply.rpartition("<")[2].partition("@")[0]) > 24:
            yield "REPLY_TO_LONG"
    sender = letter.field("sender").lower()
    if sender and author:
        if author in sender:
            yield "SENDER_SAME"
        elif domain and domain not in sender:
            yield "SENDER_OTHER_DOMAIN"
        if "owner" in sender or "admin" in sender or "bounces" in sender or "list" in sender:
            yield "SENDER_LIST"


FAMILY: Final = Family(
    "people",
    "addresses and names of authors and recipients",
    _look,
    MEASURES,
    FLAGS,
    kinds=("FROM_TOP_",),
    of_the_header=True,
)
