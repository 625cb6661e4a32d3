"""Whether a host is made to be taken for another: a brand's, or the recipient's own domain."""

from functools import lru_cache
from typing import Final, NamedTuple

from tamis.authentication.domains import organisational
from tamis.phishing.brand_index import brand_index
from tamis.phishing.brands import brands
from tamis.phishing.confusables import look, plain

_LEAST_LABEL: Final = 6
"""Letters of a name from which on one letter more, less or other makes a look-alike; shorter ones meet by chance."""
_LEAST_LOOK: Final = 4
"""The same for names that look alike letter by letter."""


class Likeness(NamedTuple):
    """`kind` is looks, typo, subdomain or word; `target` the brand or domain that is imitated."""

    kind: str
    target: str


def unicode_host(host: str) -> str:
    """Return a host with its A-labels as they are shown."""
    return ".".join(_shown(label) for label in host.split(".")) if "xn--" in host else host


def _shown(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label


@lru_cache(maxsize=32768)
def like_a_brand(host: str) -> Likeness | None:
    """Return which brand a host imitates, None where it is a brand's own or nothing like one."""
    shown = unicode_host(host)
    organisation = organisational(host)
    known, index = brands(), brand_index(_LEAST_LABEL)
    if index.may_be_owned(host, organisation) and any(brand.owns(host) for brand in known):
        return None
    label = unicode_host(organisation).partition(".")[0]
    below = shown[: -len(unicode_host(organisation))].strip(".").split(".") if shown != organisation else []
    for place in index.like(label):
        kind = _label_like(label, known[place].label)
        if kind:
            return Likeness(kind, known[place].name)
    for place in index.below(below):
        return Likeness("subdomain", known[place].name)
    pieces = {look(piece) for piece in label.split("-")} | {look(piece) for part in below for piece in part.split("-")}
    by_word = index.word(pieces, look(label))
    return None if by_word is None else Likeness("word", known[by_word].name)


@lru_cache(maxsize=32768)
def like_a_domain(host: str, own: str) -> Likeness | None:
    """Return whether a host imitates a domain, by its look, by one letter, or by standing in front of another."""
    organisation, own_organisation = organisational(host), organisational(own)
    if organisation == own_organisation or not own_organisation:
        return None
    shown = unicode_host(organisation)
    label, own_label = shown.partition(".")[0], unicode_host(own_organisation).partition(".")[0]
    if label != own_label:
        kind = _label_like(label, own_label)
        if kind:
            return Likeness(kind, own_organisation)
    if host.startswith(f"{own_organisation}.") or f".{own_organisation}." in host:
        return Likeness("subdomain", own_organisation)
    return None


def _label_like(label: str, target: str) -> str:
    """Return "looks" or "typo", empty where one name is not like the other."""
    if label == target:
        return ""
    if len(target) >= _LEAST_LOOK and (look(label) == look(target) or plain(label) == plain(target)):
        return "looks"
    if min(len(label), len(target)) >= _LEAST_LABEL and one_step_apart(label, target):
        return "typo"
    return ""


def one_step_apart(one: str, other: str) -> bool:
    """Whether one letter more, less or other, or two letters that changed places, make one word of the other."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
