"""Dates as mail writes them (RFC 5322, section 3.3), as seconds since 1970. Never raises."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from tamis.traits import forms

_DAY: Final = 86_400
"""Seconds. No zone is as far from UTC."""


def seconds_of(text: str) -> float | None:
    """Return seconds since 1970, which no year overflows; None for what is no date.

    Without a zone the time is UTC (RFC 5322, ``-0000``).
    """
    usual = forms.date(text)
    if usual is not None and abs(usual[1]) < _DAY:
        return usual[0]
    try:
        return by_the_library(text)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def by_the_library(text: str) -> float:
    """The same of whatever is written. Raises most things."""
    date = parsedate_to_datetime(text)
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
