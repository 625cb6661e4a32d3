"""Dates as mail writes them (RFC 5322, section 3.3), as seconds since 1970. Never raises."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from tamis.traits import native


def seconds_of(text: str) -> float | None:
    """Return seconds since 1970, which no year overflows; None for what is no date.

    Without a zone the time is UTC (RFC 5322, ``-0000``).
    """
    usual = native.seconds(text)
    # The four digits of the zone stand eight characters behind the first colon: no zone is a day away.
    if usual is not None and text[text.index(":") + 8 :][:4] < "2360":
        return usual
    try:
        return by_the_library(text)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def by_the_library(text: str) -> float:
    """The same of whatever is written. Raises most things."""
    date = parsedate_to_datetime(text)
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
