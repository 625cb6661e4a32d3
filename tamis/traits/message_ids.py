"""The form of Message-ID:, which tells the program that made it."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("ID_LEFT", "characters to the left of @ in Message-ID:", (1, 12, 20, 26, 33, 45)),
    Measure("ID_RIGHT", "characters to the right of @ in Message-ID:", (1, 9, 14, 19, 27)),
    Measure("ID_DIGITS", "percent of digits to the left of @ in Message-ID:", (1, 30, 50, 70, 90, 100)),
    Measure("ID_DOTS", "dots to the left of @ in Message-ID:", (1, 2, 3, 4)),
)
FLAGS: Final = {
    "ID_FORM_DOLLARS": "Message-ID: has the form of Outlook, with two dollar signs",
    "ID_FORM_HEX": "the left side of Message-ID: is hexadecimal",
    "ID_FORM_UUID": "the left side of Message-ID: is a UUID",
    "ID_FORM_JAVA": "Message-ID: is by JavaMail",
    "ID_FORM_SENDMAIL": "Message-ID: begins with date and time, then a queue id, as Sendmail's",
    "ID_FORM_MUTT": "Message-ID: begins with date and time, then GA and a letter, as mutt's",
    "ID_FORM_NUMBERS": "the left side of Message-ID: is numbers between dots",
    "ID_FORM_SMALL": "the left side of Message-ID: is small letters alone",
    "ID_FORM_CAPITALS": "the left side of Message-ID: is capitals and digits with both",
    "ID_FORM_MIXED": "the left side of Message-ID: is small and capital letters and digits, without any sign",
    "ID_HYPHEN": "a hyphen to the left of @ in Message-ID:",
    "ID_UNDERSCORE": "an underscore to the left of @ in Message-ID:",
    "ID_SIGNS": "a plus, an equals or a percent sign to the left of @ in Message-ID:",
    "ID_HOST_ADDRESS": "an address in place of a host in Message-ID:",
    "ID_HOST_AUTHOR": "the host of Message-ID: is the author's domain",
    "ID_HOST_BELOW_AUTHOR": "the host of Message-ID: is in the author's domain, not the same",
    "ID_HOST_FOREIGN": "the host of Message-ID: has nothing of the author's domain",
    "ID_HOST_HOP": "the host of Message-ID: is named by a hop",
    "ID_HOST_LAST_HOP": "the host of Message-ID: is the one that took the message in last",
    "ID_HOST_LOCAL": "the host of Message-ID: is localhost, or ends with .local, .localdomain or .lan",
    "ID_HOST_DIGITS": "three digits or more in the host of Message-ID:",
    "ID_HOST_CAPITALS": "capitals in the host of Message-ID:",
    "ID_HOST_LABELS": "four labels or more in the host of Message-ID:",
    "ID_HOST_RECIPIENT": "the host of Message-ID: is the domain of a recipient",
    "ID_BARE": "Message-ID: is not in angle brackets",
}
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_SENDMAIL: Final = re.compile(r"20\d{10,12}\.[a-zA-Z]\w{5,15}")
_MUTT: Final = re.compile(r"20\d{6,12}\.G[A-Z]\d{1,6}")
_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)+")
_ADDRESS: Final = re.compile(r"\[?\d{1,3}(?:\.\d{1,3}){3}\]?")


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    written = letter.field("message-id").strip()[:500]
    if not written:
        return
    if written[0] != "<":
        yield "ID_BARE"
    left, at, host = written.strip("<> ").rpartition("@")
    if not at:
        return
    numbers["ID_LEFT"] = len(left)
    numbers["ID_RIGHT"] = len(host)
    numbers["ID_DIGITS"] = percent(sum(map(str.isdigit, left)), len(left))
    numbers["ID_DOTS"] = left.count(".")
    yield from _left(left)
    yield from _host(host, letter)


def _left(left: str) -> Iterator[str]:
    if left.count("$") == 2:
        yield "ID_FORM_DOLLARS"
    elif "javamail" in left.lower():
        yield "ID_FORM_JAVA"
    elif _UUID.fullmatch(left):
        yield "ID_FORM_UUID"
    elif _NUMBERS.fullmatch(left):
        yield "ID_FORM_NUMBERS"
    elif _MUTT.match(left):
        yield "ID_FORM_MUTT"
    elif _SENDMAIL.match(left):
        yield "ID_FORM_SENDMAIL"
    elif _HEX.fullmatch(left) and not left.isdigit():
        yield "ID_FORM_HEX"
    elif left.isalnum():
        if left.islower() and left.isalpha():
            yield "ID_FORM_SMALL"
        elif left.isupper() and not left.isalpha():
            yield "ID_FORM_CAPITALS"
        elif not left.islower() and not left.isdigit():
            yield "ID_FORM_MIXED"
    if "-" in left:
        yield "ID_HYPHEN"
    if "_" in left:
        yield "ID_UNDERSCORE"
    if "+" in left or "=" in left or "%" in left:
        yield "ID_SIGNS"


def _host(written: str, letter: Letter) -> Iterator[str]:
    host = written.lower()
    if _ADDRESS.fullmatch(host):
        yield "ID_HOST_ADDRESS"
        return
    if host != written:
        yield "ID_HOST_CAPITALS"
    domain = letter.domain
    if domain:
        if host == domain:
            yield "ID_HOST_AUTHOR"
        elif host.endswith(f".{domain}"):
            yield "ID_HOST_BELOW_AUTHOR"
        elif host.split(".")[-2:] != domain.split(".")[-2:]:
            yield "ID_HOST_FOREIGN"
    if host.startswith("localhost") or host.endswith((".local", ".localdomain", ".lan")):
        yield "ID_HOST_LOCAL"
    if sum(map(str.isdigit, host)) > 2:
        yield "ID_HOST_DIGITS"
    if host.count(".") > 2:
        yield "ID_HOST_LABELS"
    hops = letter.hops
    if host and any(host in hop for hop in hops):
        yield "ID_HOST_HOP"
    if host and hops and f"by {host}" in hops[0]:
        yield "ID_HOST_LAST_HOP"
    if "ID_HOST_RECIPIENT" in letter.asked and any(address.endswith(f"@{host}") for _, address in letter.boxes[:20]):
        yield "ID_HOST_RECIPIENT"


FAMILY: Final = Family(
    "message ids",
    "the form of Message-ID:",
    _look,
    MEASURES,
    FLAGS,
    kinds=("ID_FORM_",),
    of_the_header=True,
)
