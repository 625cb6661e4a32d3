"""Dates as mail writes them (RFC 5322, section 3.3), as seconds since 1970. Never raises."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_USUAL: Final = re.compile(
    rf"(?:[A-Z][a-z]{{2}}, +)?([0-9]{{1,2}}) +({'|'.join(_MONTHS)}) +([1-9][0-9]{{3}}) +"
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) +([+-])([01][0-9]|2[0-3])([0-5][0-9])(?: \([A-Za-z]{1,5}\))?"
)
"""What nearly all mail writes: the library takes ten times as long for the same."""
_NUMBERS: Final = {month: number for number, month in enumerate(_MONTHS, 1)}


def seconds_of(text: str) -> float | None:
    """Return seconds since 1970, which no year overflows; None for what is no date.

    Without a zone the time is UTC (RFC 5322, ``-0000``).
    """
    try:
        usual = _USUAL.fullmatch(text)
        if usual is None:
            return by_the_library(text)
        day, month, year, hour, minute, second, sign, hours, minutes = usual.groups()
        local = datetime(int(year), _NUMBERS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        offset = 3600 * int(hours) + 60 * int(minutes)
        return local.timestamp() + (offset if sign == "-" else -offset)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def by_the_library(text: str) -> float:
    """The same of whatever is written. Raises most things."""
    date = parsedate_to_datetime(text)
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
