"""When a message says it was written, and how it says so (RFC 5322, section 3.3)."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_tz
from typing import Final, NamedTuple

from tamis.traits import forms
from tamis.traits.family import Family, Measure, Numbers
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("DATE_HOUR", "the hour of the day, local to the author, as Date: has it", (0, 4, 7, 9, 12, 14, 17, 20)),
    Measure("DATE_LATE", "minutes from Date: to the last hop", (1, 3, 10, 60, 360, 1440)),
    Measure("DATE_AHEAD", "minutes that Date: is ahead of the last hop", (1, 5, 60, 240, 720)),
)
FLAGS: Final = {
    "DATE_WEEKEND": "Date: is a Saturday or a Sunday, local to the author",
    "DATE_DAY_WRONG": "Date: names another day of the week than the date has",
    "DATE_NO_DAY": "Date: does not name the day of the week",
    "DATE_NO_SECONDS": "Date: has no seconds",
    "DATE_ROUND_MINUTE": "Date: has 00 seconds",
    "DATE_ZERO_DAY": "Date: writes days below ten with a zero",
    "DATE_DAY_SHORT": "Date: writes a day below ten as one digit",
    "DATE_COMMENT": "Date: has a comment with the name of the zone",
    "DATE_COMMENT_LONG": "Date: has a comment of more than four letters",
    "DATE_DOUBLE_SPACE": "Date: has two spaces in a row",
    "ZONE_FORM_NAMED": "Date: has GMT, UT or another name for a zone",
    "ZONE_FORM_UNKNOWN": "Date: has the zone -0000, which is none",
    "ZONE_FORM_NONE": "Date: has no zone",
    "ZONE_IS_UTC": "the zone of Date: is +0000",
    "ZONE_IS_AMERICA_WEST": "the zone of Date: is -0800 or -0700",
    "ZONE_IS_AMERICA_MIDDLE": "the zone of Date: is -0600 or -0500",
    "ZONE_IS_AMERICA_EAST": "the zone of Date: is -0400, -0300 or -0200",
    "ZONE_IS_EUROPE": "the zone of Date: is +0100 or +0200",
    "ZONE_IS_EAST_EUROPE": "the zone of Date: is +0300 to +0500",
    "ZONE_IS_INDIA": "the zone of Date: is +0530 or another that is no whole hour",
    "ZONE_IS_ASIA": "the zone of Date: is +0600 to +0700",
    "ZONE_IS_CHINA": "the zone of Date: is +0800",
    "ZONE_IS_FAR_EAST": "the zone of Date: is +0900 or beyond",
    "ZONE_NOT_OF_HOPS": "the zone of Date: is that of no hop",
    "YEAR_TWO_DIGITS": "Date: has a year of two digits",
}
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH: Final = date(1970, 1, 1).toordinal()
_TWO_DIGITS: Final = re.compile(r"\b[a-z]{3}\s+\d\d\s+\d\d:", re.I)


class Date(NamedTuple):
    """A date: seconds since 1970, and those that the author's clock is ahead of UTC."""

    seconds: float
    offset: int


def read(text: str) -> Date | None:
    """Return a date as mail writes it, None where it is none."""
    usual = forms.date(text)
    if usual is not None:
        return Date(*usual)
    try:
        found = parsedate_tz(text)
        if found is None:
            return None
        offset = found[9] or 0
        return Date(datetime(*found[:6], tzinfo=UTC).timestamp() - offset, offset)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    text = letter.field("date")[:100]
    found = read(text) if text else None
    if found is None:
        return
    days, second = divmod(int(found.seconds + found.offset), 86_400)
    numbers["DATE_HOUR"] = second // 3600
    # The first of January 1970 was a Thursday.
    weekday = (days + 3) % 7
    if weekday > 4:
        yield "DATE_WEEKEND"
    if letter.asks(_SPELLED):
        yield from _spelling(text, days, second, weekday)
    yield from _zone(text, found.offset)
    hops = [when for when in letter.hop_dates if when]
    last = read(hops[0]) if hops else None
    if last is not None:
        late = int(last.seconds - found.seconds) // 60
        numbers["DATE_LATE" if late >= 0 else "DATE_AHEAD"] = abs(late)
    ahead = abs(found.offset)
    zone = f"{'-' if found.offset < 0 else '+'}{ahead // 3600:02d}{ahead % 3600 // 60:02d}"
    if hops and not any(zone in hop for hop in hops):
        yield "ZONE_NOT_OF_HOPS"


_SPELLED: Final = (
    *("DATE_DAY_WRONG", "DATE_NO_DAY", "DATE_NO_SECONDS", "DATE_ROUND_MINUTE", "DATE_ZERO_DAY", "DATE_DAY_SHORT"),
    *("DATE_COMMENT", "DATE_COMMENT_LONG", "DATE_DOUBLE_SPACE", "YEAR_TWO_DIGITS"),
)


def _spelling(text: str, days: int, second: int, weekday: int) -> Iterator[str]:
    """Yield what is said of a date on a day since 1970, at a second of it."""
    low = text.lower()
    day = date.fromordinal(_EPOCH + days).day
    named = low[:3]
    if named not in _DAYS:
        yield "DATE_NO_DAY"
    elif named != _DAYS[weekday]:
        yield "DATE_DAY_WRONG"
    if low.count(":") < 2:
        yield "DATE_NO_SECONDS"
    elif second % 60 == 0:
        yield "DATE_ROUND_MINUTE"
    if day < 10:
        yield "DATE_ZERO_DAY" if f"0{day} " in low[:9] else "DATE_DAY_SHORT"
    if "(" in low:
        yield "DATE_COMMENT"
        if len(low.partition("(")[2].rstrip(") ")) > 4:
            yield "DATE_COMMENT_LONG"
    if "  " in low:
        yield "DATE_DOUBLE_SPACE"
    if _TWO_DIGITS.search(low):
        yield "YEAR_TWO_DIGITS"


def _zone(text: str, offset: int) -> Iterator[str]:
    written = text.partition("(")[0].rstrip()[-5:]
    if written[-1:].isalpha():
        yield "ZONE_FORM_NAMED"
        return
    hours, rest = divmod(offset, 3600)
    if rest:
        yield "ZONE_IS_INDIA"
    elif hours == 0:
        yield "ZONE_IS_UTC"
    elif hours < 0:
        if hours <= -7:
            yield "ZONE_IS_AMERICA_WEST"
        else:
            yield "ZONE_IS_AMERICA_MIDDLE" if hours <= -5 else "ZONE_IS_AMERICA_EAST"
    elif hours <= 2:
        yield "ZONE_IS_EUROPE"
    elif hours <= 5:
        yield "ZONE_IS_EAST_EUROPE"
    elif hours <= 7:
        yield "ZONE_IS_ASIA"
    else:
        yield "ZONE_IS_CHINA" if hours == 8 else "ZONE_IS_FAR_EAST"


FAMILY: Final = Family(
    "dates",
    "the hour, the zone and the spelling of Date:",
    _look,
    MEASURES,
    FLAGS,
    kinds=("ZONE_FORM_", "ZONE_IS_"),
    of_the_header=True,
)
