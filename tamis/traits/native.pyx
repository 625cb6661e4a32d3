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


cdef enum:
    LETTER = 1          # `[^\W\d_]`
    CAPITAL = 2         # `[A-Z]`
    WORD = 4            # `\w`
    DIGIT = 8           # `\d`

cdef uint8_t[128] CLASSES


cdef uint8_t _look_up(uint32_t code) noexcept:
    cdef uint8_t found = 0
    if Py_UNICODE_ISDECIMAL(code):
        found |= DIGIT | WORD
    elif Py_UNICODE_ISALNUM(code):
        found |= LETTER | WORD
    elif code == 95:
        found |= WORD
    if 65 <= code <= 90:
        found |= CAPITAL
    return found


for _code in range(128):
    CLASSES[_code] = _look_up(_code)


cdef inline uint8_t _classes(uint32_t code) noexcept:
    return CLASSES[code] if code < 128 else _look_up(code)


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
            if not _classes(code) & LETTER:
                at += 1
                continue
            begin, hashed = at, 0
            while _classes(code) & LETTER:
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
    cdef uint8_t classes, all_of = CAPITAL
    for at in range(size):
        classes = _classes(<uint32_t>PyUnicode_READ(kind, <void *>data, at))
        if classes & WORD:
            run += 1
            all_of &= classes
            digits = digits + 1 if classes & DIGIT else 0
            numbers += digits == 5
        elif run:
            words += run > 3 and all_of != 0
            run, digits, all_of = 0, 0, CAPITAL
    return words + (run > 3 and all_of != 0), numbers


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


def longest_gap(str text not None):
    r"""Return the most line feeds in a row, nothing but spaces and CR between, around which there is something."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at, run = 0, before = 0, longest = 0
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef bint something = False
    cdef uint32_t code
    for at in range(size):
        code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
        if code == 10:
            run += 1
        elif code != 32 and code != 13:
            before = max(before, run)
            run = 0
            if not _is_space(code):
                if something:
                    longest = max(longest, before)
                something, before = True, 0
    return longest
