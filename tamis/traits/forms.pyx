# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Forms that are read in a field or in markup, compiled: dates and tags. Tests hold them to what the library says."""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memset

cdef uint64_t BASE = 0x5851F42D4C957F2DULL

cdef enum:
    KINDS = 64          # Different tags that are counted without making a string of each, a power of two.


def tags(str html not None):
    """Return how often each tag stands in markup of small letters: `</?[a-z!?][a-z0-9:]{0,15}` without its bracket."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(html), at = 0, begin, end, slot
    cdef int kind = PyUnicode_KIND(html), tries
    cdef const char *data = <const char *>PyUnicode_DATA(html)
    cdef Py_ssize_t starts[KINDS]
    cdef Py_ssize_t sizes[KINDS]
    cdef Py_ssize_t counts[KINDS]
    cdef uint64_t hashed
    cdef uint32_t code
    cdef dict found = {}
    cdef str name
    memset(sizes, 0, sizeof(sizes))
    while at < size:
        code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
        at += 1
        if code != 60 or at == size:
            continue
        begin = end = at
        code = <uint32_t>PyUnicode_READ(kind, <void *>data, end)
        if code == 47 and end + 1 < size:
            end += 1
            code = <uint32_t>PyUnicode_READ(kind, <void *>data, end)
        if not (97 <= code <= 122 or code == 33 or code == 63):
            continue
        hashed = end - begin
        at = end + 16
        while end < size and end < at:
            code = <uint32_t>PyUnicode_READ(kind, <void *>data, end)
            if not (97 <= code <= 122 or 48 <= code <= 58) and at - end < 16:
                break
            hashed = hashed * BASE + code + 1
            end += 1
        at = end
        slot = (hashed ^ (hashed >> 32)) & (KINDS - 1)
        for tries in range(KINDS):
            if not sizes[slot]:
                starts[slot], sizes[slot], counts[slot] = begin, end - begin, 0
            if sizes[slot] == end - begin and memcmp(
                data + kind * starts[slot], data + kind * begin, kind * (end - begin)
            ) == 0:
                counts[slot] += 1
                break
            slot = (slot + 1) & (KINDS - 1)
        else:
            name = html[begin:end]
            found[name] = found.get(name, 0) + 1
    for slot in range(KINDS):
        if sizes[slot]:
            found[html[starts[slot] : starts[slot] + sizes[slot]]] = counts[slot]
    return found


cdef inline int _digits(const uint8_t *text, int number) noexcept:
    """Return what some digits say, or -1 where they are none."""
    cdef int value = 0, at
    for at in range(number):
        if not 48 <= text[at] <= 57:
            return -1
        value = 10 * value + text[at] - 48
    return value


cdef const char *DAYS = b"MonTueWedThuFriSatSun"
cdef const char *MONTHS = b"JanFebMarAprMayJunJulAugSepOctNovDec"
cdef int[12] LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


cdef int _named(const uint8_t *text, const char *names, int number) noexcept:
    """Return which of some names of three letters stands there, or -1."""
    cdef int at
    for at in range(number):
        if memcmp(text, names + 3 * at, 3) == 0:
            return at
    return -1


def date(str date not None):
    """Return seconds since 1970 and those ahead of UTC of a date in its usual form, None where it has none or is none.

    The form is `Mon, 1 Jan 2007 10:00:00 +0100`, with or without the day of the week, and with whatever behind a space.
    """
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(date), at = 0
    cdef const uint8_t *text
    cdef int day, month, year, hour, minute, second, zone, before
    cdef long long days
    cdef bint leap
    if not date.isascii() or size < 25:
        return None
    text = <const uint8_t *>PyUnicode_DATA(date)
    if _named(text, DAYS, 7) >= 0 and text[3] == 44 and text[4] == 32:
        at = 5
    day = _digits(text + at, 2)
    if day < 0:
        day = _digits(text + at, 1)
        at -= 1
    at += 2
    if day < 1 or size - at < 24 or text[at] != 32 or text[at + 4] != 32 or text[at + 9] != 32:
        return None
    month, year = _named(text + at + 1, MONTHS, 12), _digits(text + at + 5, 4)
    hour, minute, second = _digits(text + at + 10, 2), _digits(text + at + 13, 2), _digits(text + at + 16, 2)
    zone = _digits(text + at + 20, 4)
    if text[at + 12] != 58 or text[at + 15] != 58 or text[at + 18] != 32 or not (text[at + 19] in (43, 45)):
        return None
    if month < 0 or not 1000 <= year <= 2999 or zone < 0 or not (size == at + 24 or text[at + 24] == 32):
        return None
    leap = year % 4 == 0 and year % 100 != 0 or year % 400 == 0
    if day > LENGTHS[month] + (leap and month == 1) or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return None
    days = 365 * (year - 1970) + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400 - 477
    for before in range(month):
        days += LENGTHS[before]
    days += day - 1 + (leap and month > 1)
    zone = 3600 * (zone // 100) + 60 * (zone % 100)
    if text[at + 19] == 45:
        zone = -zone
    return ((days * 24 + hour) * 60 + minute) * 60 + second - zone, zone
