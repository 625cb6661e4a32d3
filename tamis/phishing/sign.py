"""What a sign is, and one that was found."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tamis.contract import Hit


class Sign(NamedTuple):
    """`points` for the score, given by hand, and what the sign means in words."""

    points: float
    meaning: str


class Found(NamedTuple):
    """One sign in one message, with its ground; `domain` where it holds for the recipients of that domain alone."""

    name: str
    because: str
    domain: str = ""


def as_hits(found: Iterable[Found], signs: Mapping[str, Sign]) -> Iterator[Hit]:
    """Yield each sign once for each domain, as evidence: no sign decides."""
    seen: set[tuple[str, str]] = set()
    for one in found:
        if (one.name, one.domain) not in seen:
            seen.add((one.name, one.domain))
            yield Hit(one.name, one.because, amount=signs[one.name].points, domain=one.domain)
