# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the tests count in a text, compiled: octets, words, lines. Tests hold each to a description in Python.

Classes of characters are those of `str` and `re`. What is kept of a text has its place on the stack, and a cap.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport (
    PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ,
    Py_UNICODE_ISALNUM, Py_UNICODE_ISDECIMAL, Py_UNICODE_ISLOWER, Py_UNICODE_ISSPACE, Py_UNICODE_ISTITLE,
    Py_UNICODE_ISUPPER,
)
from libc.stdint cimport int16_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memset

cdef uint64_t BASE = 0x5851F42D4C957F2DULL

cdef enum:
    FIRST = 300     # Words and lines among which those that are alike are looked for.
    SLOTS = 1024    # More than twice as many, a power of two.
    MASK = 1023
    LISTED = 512    # Places for words of languages, a power of two, of which half may be taken.
    LONGEST = 16    # Letters of such a word.


cdef struct Run:
    Py_ssize_t start
    Py_ssize_t size
    uint64_t hashed


cdef struct Runs:
    int number
    int16_t slots[SLOTS]
    Run runs[FIRST]


cdef inline bint _same(int kind, const char *data, Py_ssize_t one, Py_ssize_t other, Py_ssize_t size) noexcept:
    return memcmp(data + kind * one, data + kind * other, kind * size) == 0


cdef bint _put(Runs *seen, int kind, const char *data, Py_ssize_t start, Py_ssize_t size, uint64_t hashed) noexcept:
    """Keep a run of characters unless it is there already; say whether it is new. No more than FIRST may be put."""
    cdef uint64_t at = (hashed ^ (hashed >> 32)) & MASK
    cdef Run *run
    while seen.slots[at]:
        run = &seen.runs[seen.slots[at] - 1]
        if run.hashed == hashed and run.size == size and _same(kind, data, run.start, start, size):
            return False
        at = (at + 1) & MASK
    run = &seen.runs[seen.number]
    run.start, run.size, run.hashed = start, size, hashed
    seen.number += 1
    seen.slots[at] = <int16_t>seen.number
    return True


cdef inline bint _is_letter(uint32_t code) noexcept:
    if code < 128:
        return 97 <= code <= 122 or 65 <= code <= 90
    return Py_UNICODE_ISALNUM(code) and not Py_UNICODE_ISDECIMAL(code)


cdef class Octets:
    """How often each octet is in some octets."""

    cdef uint32_t _counts[256]

    def __cinit__(self, bytes data not None):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data), at
        cdef const uint8_t *octets = <const uint8_t *>PyBytes_AS_STRING(data)
        memset(self._counts, 0, sizeof(self._counts))
        for at in range(size):
            self._counts[octets[at]] += 1

    def of(self, bytes octets not None):
        """Return how many of some octets there are."""
        cdef uint32_t found = 0
        cdef Py_ssize_t at
        for at in range(PyBytes_GET_SIZE(octets)):
            found += self._counts[<uint8_t>PyBytes_AS_STRING(octets)[at]]
        return found

    def between(self, uint8_t first, uint8_t last):
        """Return how many there are that are no lower than the first nor higher than the last."""
        cdef uint32_t found = 0
        cdef int at
        for at in range(first, last + 1):
            found += self._counts[at]
        return found


cdef class Languages:
    """The words of some languages, each word of one of them."""

    cdef int _number, _words
    cdef int _of[LISTED]
    cdef Py_ssize_t _sizes[LISTED]
    cdef uint64_t _hashes[LISTED]
    cdef uint32_t _letters[LISTED][LONGEST]

    def __cinit__(self, dict words not None, int number):
        """Take words in small letters, and the number of the language of each, from 0 on."""
        cdef uint64_t at, hashed
        cdef Py_ssize_t place
        cdef str word
        memset(self._sizes, 0, sizeof(self._sizes))
        self._number = number
        if not 0 <= number <= 8 or 2 * len(words) > LISTED:
            raise ValueError("there are too many languages, or words")
        for word, language in words.items():
            if not 0 < len(word) <= LONGEST or not 0 <= language < number:
                raise ValueError("a word is too long, or of no language")
            hashed = 0
            for place in range(len(word)):
                hashed = hashed * BASE + <uint32_t>ord(word[place]) + 1
            at = (hashed ^ (hashed >> 32)) & (LISTED - 1)
            while self._sizes[at]:
                at = (at + 1) & (LISTED - 1)
            for place in range(len(word)):
                self._letters[at][place] = <uint32_t>ord(word[place])
            self._sizes[at], self._hashes[at], self._of[at] = len(word), hashed, language

    cdef int _language(self, int kind, const char *data, Py_ssize_t start, Py_ssize_t size, uint64_t hashed) noexcept:
        cdef uint64_t at = (hashed ^ (hashed >> 32)) & (LISTED - 1)
        cdef Py_ssize_t place
        while self._sizes[at]:
            if self._hashes[at] == hashed and self._sizes[at] == size:
                for place in range(size):
                    if self._letters[at][place] != <uint32_t>PyUnicode_READ(kind, <void *>data, start + place):
                        break
                else:
                    return self._of[at]
            at = (at + 1) & (LISTED - 1)
        return -1

    def words(self, str low not None, Py_ssize_t spoken):
        """Return what is to be known of the words of a text in small letters.

        That is their number, the letters of the longest, how many different ones are among the first 300, and how many
        of the first `spoken` are of each language.
        """
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(low), at = 0, begin, number = 0, longest = 0
        cdef int kind = PyUnicode_KIND(low), language
        cdef const char *data = <const char *>PyUnicode_DATA(low)
        cdef uint64_t hashed
        cdef uint32_t code
        cdef Py_ssize_t counts[8]
        cdef Runs seen
        seen.number = 0
        memset(seen.slots, 0, sizeof(seen.slots))
        memset(counts, 0, sizeof(counts))
        while at < size:
            code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
            if not _is_letter(code):
                at += 1
                continue
            begin, hashed = at, 0
            while _is_letter(code):
                hashed = hashed * BASE + code + 1
                at += 1
                if at == size:
                    break
                code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
            longest = max(longest, at - begin)
            if number < FIRST:
                _put(&seen, kind, data, begin, at - begin, hashed)
            if number < spoken:
                language = self._language(kind, data, begin, at - begin, hashed)
                if language >= 0:
                    counts[language] += 1
            number += 1
        return number, longest, seen.number, [counts[language] for language in range(self._number)]


def capital_words_and_numbers(str text not None):
    r"""Return how often `\b[A-Z]{4,}\b` and `\d{5,}` are in a text."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at, run = 0, digits = 0
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t words = 0, numbers = 0
    cdef bint capitals = True
    cdef uint32_t code
    for at in range(size + 1):
        code = <uint32_t>PyUnicode_READ(kind, <void *>data, at) if at < size else 32
        if 65 <= code <= 90:
            run += 1
        elif code == 95 or (97 <= code <= 122 if code < 128 and not 48 <= code <= 57 else Py_UNICODE_ISALNUM(code)):
            capitals = False
        else:
            words += capitals and run > 3
            run, capitals = 0, True
        if Py_UNICODE_ISDECIMAL(code):
            digits += 1
        else:
            numbers += digits > 4
            digits = 0
    return words, numbers


def lines(str text not None):
    """Return what is to be known of the first 300 lines of a text.

    That is: their number; how many have something in them, and the characters of those without the space around them;
    the most empty ones in a row; where the first and the last with something in it begin and end; how many begin with
    four spaces, end with a space, begin with a small letter; whether one has 15 characters or more and is in capitals;
    and whether two of 20 characters or more are the same.
    """
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), start = 0, end, left, right, at
    cdef int kind = PyUnicode_KIND(text)
    cdef const char *data = <const char *>PyUnicode_DATA(text)
    cdef Py_ssize_t number = 0, full = 0, characters = 0, gap = 0, longest_gap = 0, indented = 0, spaced = 0, small = 0
    cdef Py_ssize_t first_left = 0, first_right = 0, last_left = 0, last_right = 0
    cdef bint capitals = False, alike = False, upper
    cdef uint64_t hashed
    cdef uint32_t code
    cdef Runs seen
    seen.number = 0
    memset(seen.slots, 0, sizeof(seen.slots))
    while number < FIRST and start <= size:
        end = start
        while end < size and PyUnicode_READ(kind, <void *>data, end) != 10:
            end += 1
        number += 1
        left, right = start, end
        while left < right and _is_space(<uint32_t>PyUnicode_READ(kind, <void *>data, left)):
            left += 1
        while left < right and _is_space(<uint32_t>PyUnicode_READ(kind, <void *>data, right - 1)):
            right -= 1
        if end > start and PyUnicode_READ(kind, <void *>data, end - 1) == 32:
            spaced += 1
        if end - start > 3:
            for at in range(start, start + 4):
                if PyUnicode_READ(kind, <void *>data, at) != 32:
                    break
            else:
                indented += 1
        start = end + 1
        if left == right:
            gap += 1
            longest_gap = max(longest_gap, gap)
            continue
        gap = 0
        if not full:
            first_left, first_right = left, right
        last_left, last_right = left, right
        full += 1
        characters += right - left
        code = <uint32_t>PyUnicode_READ(kind, <void *>data, left)
        small += Py_UNICODE_ISLOWER(code)
        if right - left < 15:
            continue
        if not capitals:
            upper = False
            for at in range(left, right):
                code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
                if Py_UNICODE_ISLOWER(code) or Py_UNICODE_ISTITLE(code):
                    break
                upper = upper or Py_UNICODE_ISUPPER(code)
            else:
                capitals = upper
        if right - left > 19 and not alike:
            hashed = 0
            for at in range(left, right):
                hashed = hashed * BASE + <uint32_t>PyUnicode_READ(kind, <void *>data, at) + 1
            alike = not _put(&seen, kind, data, left, right - left, hashed)
    return (
        number, full, characters, longest_gap, first_left, first_right, last_left, last_right,
        indented, spaced, small, capitals, alike,
    )


cdef inline bint _is_space(uint32_t code) noexcept:
    if code < 128:
        return code == 32 or 9 <= code <= 13 or 28 <= code <= 31
    return Py_UNICODE_ISSPACE(code)


def bare_lines(str text not None, Py_ssize_t most):
    """Return how many of the first lines have something in them, and neither letter nor digit."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at = 0, found = 0
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef bint something = False
    cdef uint32_t code
    while at < size and most > 0:
        code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
        at += 1
        if code == 10:
            found += something
            something = False
            most -= 1
        elif Py_UNICODE_ISALNUM(code):
            something = False
            while at < size and PyUnicode_READ(kind, <void *>data, at) != 10:
                at += 1
        elif not something:
            something = not _is_space(code)
    return found + (something and most > 0)


cdef enum:
    TAG = 17            # Letters of a tag, its slash among them.
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
            if sizes[slot] == end - begin and _same(kind, data, starts[slot], begin, end - begin):
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


def seconds(str date not None):
    """Return the seconds since 1970 of a date in its usual form, None where it has another or there is no such date.

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
    return ((days * 24 + hour) * 60 + minute) * 60 + second - zone
