"""The way a message came: what its Received: fields say (RFC 5321, section 4.4)."""

import re
from collections.abc import Container, Iterator
from itertools import pairwise
from typing import Final

from tamis.traits.dates import read
from tamis.traits.family import Family, Measure, Numbers
from tamis.traits.letter import HOPS, Letter
from tamis.traits.marks import Patterns, words

MEASURES: Final = (
    Measure("HOPS", "the number of Received: fields", (1, 2, 3, 4, 5, 7)),
    Measure("TRANSIT", "seconds between the first hop and the last", (1, 5, 20, 60, 300, 1800, 7200, 86400)),
    Measure("HOP_ZONES", "different time zones of the hops", (2, 3, 4)),
    Measure("HOP_LONGEST", "octets of the longest Received: field", (120, 180, 230, 300)),
)
FLAGS: Final = {
    "HOP_FIRST_LITERAL": "the first hop was greeted with an address in brackets in place of a name",
    "HOP_FIRST_NO_DOT": "the first hop was greeted with a name without a dot",
    "HOP_FIRST_LOCALHOST": "the first hop was greeted by localhost",
    "HOP_FIRST_SAYS_USER": "the first hop names the user who handed it in",
    "HOP_FIRST_HTTP": "the first hop came by a web page",
    "HOP_FIRST_BY_ADDRESS": "the first hop was to an address in place of a name",
    "HOP_FIRST_PRIVATE": "the first hop came from a private address",
    "HOP_FIRST_NO_FROM": "the first hop does not say from where",
    "HOP_FIRST_DIGITS": "the name of the host at the first hop has four digits or more",
    "HOP_UNKNOWN": "a hop whose address has no name",
    "HOP_FORGED": "a hop says that a name may be forged",
    "HOP_DYNAMIC": "a hop from a host whose name speaks of dial-up, DSL or cable",
    "HOP_ADDRESS_IN_NAME": "a hop from a host whose name holds its address",
    "HOP_TLS": "a hop over TLS",
    "HOP_AUTHENTICATED": "a hop with authentication",
    "HOP_ESMTP": "a hop by ESMTP",
    "HOP_SMTP_PLAIN": "a hop by plain SMTP",
    "HOP_LMTP": "a hop by LMTP or local delivery",
    "HOP_POSTFIX": "a hop through Postfix",
    "HOP_SENDMAIL": "a hop through Sendmail 8",
    "HOP_QMAIL": "a hop through qmail",
    "HOP_EXIM": "a hop through Exim",
    "HOP_EXCHANGE": "a hop through Microsoft's SMTPSVC",
    "HOP_EXCHANGE_SERVER": "a hop through Exchange",
    "HOP_FETCHED": "a hop by fetchmail or POP",
    "HOP_HELO_SHOWN": "a hop whose field says HELO in so many words",
    "HOP_FOR": "a hop says for whom it was",
    "HOP_FOR_SEVERAL": "hops say different recipients",
    "HOP_ID_SHORT": "a hop whose id has fewer than five characters",
    "HOP_BACKWARDS": "a hop is earlier than the one before it",
    "HOP_NO_DATE": "a hop without a date",
    "HOP_ZONE_NAMED": "a hop whose date has a comment with the name of the zone",
    "HOP_IPV6": "a hop from an address of IPv6",
    "HOP_PERCENT": "a hop whose field has a percent sign or a dollar, as templates do",
}
_FROM: Final = re.compile(r"from\s+(\[?[^\s()\[\];]{1,255})", re.I)
_BY: Final = re.compile(r"\bby\s+([^\s();]{1,255})", re.I)
_FOR: Final = re.compile(r"for(?<!\wfor)\s+<?([^\s<>;]{3,320})")
_ID: Final = re.compile(r"\bid\s+([^\s;()]{1,100})")
_LOCAL: Final = re.compile(r"\b(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}\b")
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_ZONE: Final = re.compile(r"[+-]\d{4}")
_WORDS: Final = words(
    (
        ("HOP_UNKNOWN", "unknown"),
        ("HOP_FORGED", "may be forged"),
        ("HOP_POSTFIX", "postfix"),
        ("HOP_SENDMAIL", "/8."),
        ("HOP_QMAIL", "qmail"),
        ("HOP_EXIM", "exim"),
        ("HOP_EXCHANGE", "smtpsvc"),
        ("HOP_EXCHANGE_SERVER", "microsoft smtp server"),
        ("HOP_FETCHED", "fetchmail"),
        ("HOP_FETCHED", "pop3"),
        ("HOP_TLS", "tls"),
        ("HOP_AUTHENTICATED", "esmtpa"),
        ("HOP_AUTHENTICATED", "esmtpsa"),
        ("HOP_AUTHENTICATED", "authenticated"),
        ("HOP_ESMTP", "with esmtp"),
        ("HOP_SMTP_PLAIN", "with smtp"),
        ("HOP_LMTP", "with lmtp"),
        ("HOP_LMTP", "with local"),
        ("HOP_HELO_SHOWN", "helo"),
        ("HOP_IPV6", "ipv6:"),
    )
)
_FORMS: Final = Patterns(
    {
        "HOP_DYNAMIC": r"(?:dsl|dyn|dhcp|dial|ppp|cable|pool|client|cust|broadband|catv|user|home)[\w-]{0,20}[.-]",
        "HOP_ADDRESS_IN_NAME": r"\d{1,3}[.-]\d{1,3}[.-]\d{1,3}[.-]\d{1,3}[\w.-]*\.[a-z]{2,}",
        "HOP_PERCENT": r"[%$]",
    }
)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    hops = letter.received
    numbers["HOPS"] = len(hops)
    if not hops:
        return
    hops = hops[:HOPS]
    numbers["HOP_LONGEST"] = max(map(len, hops))
    joined = "\n".join(letter.hops)
    octets = joined.encode()
    flags = {*_WORDS.found(octets, letter.everything), *_FORMS.found(octets, letter.everything)}
    recipients = set(_FOR.findall(joined))
    if recipients:
        flags.add("HOP_FOR")
    if len(recipients) > 1:
        flags.add("HOP_FOR_SEVERAL")
    if "HOP_ID_SHORT" in letter.asked and any(len(known) < 5 for known in _ID.findall(joined)):
        flags.add("HOP_ID_SHORT")
    flags.update(_times(letter, numbers))
    flags.update(_first(hops[-1], letter.asked))
    yield from flags


def _times(letter: Letter, numbers: Numbers) -> Iterator[str]:
    written = letter.hop_dates
    if not all(written):
        yield "HOP_NO_DATE"
    if any("(" in date for date in written):
        yield "HOP_ZONE_NAMED"
    numbers["HOP_ZONES"] = len({zone[0] for date in written if (zone := _ZONE.search(date))})
    times = [time.seconds for date in written if date and (time := read(date)) is not None]
    if len(times) > 1:
        numbers["TRANSIT"] = max(0, int(times[0] - times[-1]))
        if any(later < earlier - 2 for later, earlier in pairwise(times)):
            yield "HOP_BACKWARDS"


def _first(hop: str, asked: Container[str]) -> Iterator[str]:
    """Yield what is said of the host that the message comes from."""
    source = _FROM.match(hop)
    if source is None:
        yield "HOP_FIRST_NO_FROM"
    else:
        name = source[1].lower()
        if _ADDRESS.fullmatch(name.strip("[]")):
            yield "HOP_FIRST_LITERAL"
        elif name.startswith("localhost"):
            yield "HOP_FIRST_LOCALHOST"
        elif "." not in name:
            yield "HOP_FIRST_NO_DOT"
        elif sum(map(str.isdigit, name)) > 3:
            yield "HOP_FIRST_DIGITS"
    if "HOP_FIRST_BY_ADDRESS" in asked:
        target = _BY.search(hop)
        if target is not None and _ADDRESS.fullmatch(target[1]):
            yield "HOP_FIRST_BY_ADDRESS"
    private = "10." in hop or "192.168" in hop or "172." in hop
    if private and "HOP_FIRST_PRIVATE" in asked and _LOCAL.search(hop):
        yield "HOP_FIRST_PRIVATE"
    low = hop.lower()
    if "http" in low:
        yield "HOP_FIRST_HTTP"
    if "invoked by uid" in low or "(envelope-from" in low or "userid" in low or "account" in low:
        yield "HOP_FIRST_SAYS_USER"


FAMILY: Final = Family(
    "way", "the Received: chain: hosts, programs, protocols and times", _look, MEASURES, FLAGS, of_the_header=True
)
