# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Folding, compiled: one pass over a text in place of one for each thing that is folded.

What a character becomes by itself is asked of Python once, and remembered. What depends on its neighbours, such as
accents that make one letter with the one before, is folded by Python each time. It keeps the interpreter's lock.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.unicode cimport (
    Py_UNICODE_ISALNUM, Py_UNICODE_ISALPHA, Py_UNICODE_ISSPACE, PyUnicode_1BYTE_KIND, PyUnicode_4BYTE_KIND,
    PyUnicode_DATA, PyUnicode_FromKindAndData, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ,
)
from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memcpy

cdef enum:
    CODES = 0x110000
    PAGE = 256
    PAGES = 0x1100
    # What a character becomes where it is neither a code point nor, from CODES on, the number of a string.
    UNKNOWN = -1
    NOTHING = -2
    BY_NEIGHBOURS = -3
    BY_THE_TEXT = -4
    # Characters that one text may bring of which nobody knows yet what they become.
    MOST_LEARNED = 2000

cdef enum:
    OTHER = 0
    ALNUM = 1
    SIGN = 2
    SPACE = 4

cdef enum:
    # What the last character is of letters that stand apart: one of them, the sign between, or the first two of a word.
    APART_FROM = 0
    LETTER = 1
    BETWEEN = 2
    WORD = 3

cdef enum:
    # Letters that are joined, of those that stand apart, and of these the letters that are no digits.
    LEAST = 4
    MOST = 62

cdef enum:
    # Two bits of the kind of each of nine characters: four letters or digits, signs between them, no letter around them.
    LAST_NINE = 0b01_11_11_11_11_11_11_11_01
    FOUR_APART = 0b00_01_10_01_10_01_10_01_00

cdef str SIGNS = " .\u00b7*_~|-"
cdef str ONE_LETTER_WORDS = "aiyo"
cdef uint8_t KINDS[128]


cdef inline uint8_t _kind(Py_UCS4 code) noexcept:
    if code < 128:
        return KINDS[code]
    if Py_UNICODE_ISALNUM(code):
        return ALNUM
    return SPACE if Py_UNICODE_ISSPACE(code) else SIGN if code == 0xB7 else OTHER


cdef void _classify():
    cdef Py_UCS4 code
    for code in range(128):
        KINDS[code] = ALNUM * Py_UNICODE_ISALNUM(code) + SPACE * Py_UNICODE_ISSPACE(code) + SIGN * (code in SIGNS)


_classify()

cdef struct Line:
    # What is written, and whether white space stands before what comes next.
    Py_UCS4 *out
    Py_ssize_t number
    Py_ssize_t room
    Py_ssize_t given
    bint space
    # Letters and digits that stand apart: where they begin in what is written, and how many there are for sure.
    int last
    Py_ssize_t start
    Py_ssize_t apart
    bint joins


cdef inline int _reserve(Line *line, Py_ssize_t more) except -1:
    """Make room for some characters and a space."""
    cdef Py_ssize_t room = line.number + more + 1
    cdef void *moved
    if room > line.room:
        moved = PyMem_Realloc(line.out, 2 * room * sizeof(Py_UCS4))
        if moved is NULL:
            raise MemoryError
        line.out, line.room = <Py_UCS4 *>moved, 2 * room
    return 0


cdef int _join(Line *line) except -1:
    """Join letters that stand apart, now that something else follows: what `folding` has a regular expression for."""
    cdef Py_ssize_t letters = line.apart, size = line.number - line.start, at = 0, end = 0, number, plain, one
    cdef Py_UCS4 *joined
    cdef Py_UCS4 *out
    line.apart = 0
    if letters < LEAST or not line.joins:
        return 0
    # Each four letters may become one longer.
    _reserve(line, letters)
    joined = <Py_UCS4 *>PyMem_Malloc((size + letters) * sizeof(Py_UCS4))
    if joined is NULL:
        raise MemoryError
    out = line.out + line.start
    while at < letters:
        number = 1
        while at + number < letters and number < MOST and out[2 * (at + number) - 1] == out[2 * at + 1]:
            number += 1
        if number < LEAST:
            number = 1
        plain = 0
        for one in range(at, at + number):
            plain += Py_UNICODE_ISALPHA(out[2 * one])
        if plain < LEAST:
            memcpy(joined + end, out + 2 * at, (2 * number - 1) * sizeof(Py_UCS4))
            end += 2 * number - 1
        else:
            for one in range(at, at + number):
                joined[end] = out[2 * one]
                end += 1
            if out[2 * at] in ONE_LETTER_WORDS:
                # It may be a word of its own: "a v i a g r a".
                joined[end] = 32
                end += 1
                for one in range(at + 1, at + number):
                    joined[end] = out[2 * one]
                    end += 1
        at += number
        if at < letters:
            joined[end] = out[2 * at - 1]
            end += 1
    # What was written behind them.
    memcpy(joined + end, out + 2 * letters - 1, (size - 2 * letters + 1) * sizeof(Py_UCS4))
    end += size - 2 * letters + 1
    memcpy(out, joined, end * sizeof(Py_UCS4))
    line.number = line.start + end
    PyMem_Free(joined)
    return 0


cdef inline int _put(Line *line, Py_UCS4 code) except -1:
    """Write a folded character."""
    cdef uint8_t kind = _kind(code)
    line.given += 1
    if kind == ALNUM:
        if line.last == APART_FROM:
            line.start, line.last = line.number + line.space, LETTER
        elif line.last == BETWEEN:
            line.last = LETTER
        elif line.last == LETTER:
            if line.apart:
                _join(line)
            line.last = WORD
    else:
        line.apart += line.last == LETTER
        if line.last == LETTER and kind & SIGN:
            line.last = BETWEEN
        else:
            if line.apart:
                _join(line)
            line.last = APART_FROM
        if kind & SPACE:
            line.space = line.number > 0
            return 0
    _reserve(line, 1)
    if line.space:
        line.out[line.number] = 32
        line.number += 1
        line.space = False
    line.out[line.number] = code
    line.number += 1
    return 0


cdef class Folder:
    """Folds texts in one way. Any thread may use it."""

    cdef int32_t *_pages[PAGES]
    cdef int32_t _plain[128]
    # The same for texts in ASCII alone: 0 for nothing, a space for white space.
    cdef uint8_t _short[128]
    cdef list _strings
    cdef object _alone, _together
    cdef Py_ssize_t _most
    cdef bint _joins
    cdef Py_ssize_t _learned

    def __cinit__(self, str plain not None, alone not None, together not None, Py_ssize_t most, bint joins):
        """Take what characters become: those of a text in ASCII `plain`, NUL for nothing, others by the functions.

        `alone` says of a character what it becomes whatever stands beside it, or None where that depends on what does;
        `together` says it of several, or None where all of the text must be known. A letter or digit of ASCII is the
        same everywhere. Texts of more than `most` characters, folded, are left to others. With `joins` letters that
        stand apart are joined.
        """
        cdef Py_UCS4 code
        cdef int at
        if len(plain) != 128:
            raise ValueError("128 characters are wanted")
        for at in range(128):
            code = plain[at]
            if code >= 128:
                raise ValueError("ASCII is wanted")
            self._plain[at] = <int32_t>code if code else NOTHING
            self._short[at] = 32 if KINDS[code] & SPACE else code
        self._strings, self._alone, self._together = [], alone, together
        self._most, self._joins = most, joins

    def __dealloc__(self):
        cdef int at
        for at in range(PAGES):
            PyMem_Free(self._pages[at])

    cdef int32_t _learn(self, uint32_t code) except? -1:
        """Ask what a character becomes, and remember it."""
        cdef str said = self._alone(chr(code))
        cdef int32_t value, at
        cdef int32_t *page
        if said is None:
            value = BY_NEIGHBOURS if self._together(chr(code)) is not None else BY_THE_TEXT
        elif len(said) == 1:
            value = <int32_t>(<Py_UCS4>said[0])
        elif said:
            value = CODES + <int32_t>len(self._strings)
            self._strings.append(said)
        else:
            value = NOTHING
        self._learned += 1
        # From here on no other thread comes between.
        page = self._pages[code // PAGE]
        if page is NULL:
            page = <int32_t *>PyMem_Malloc(PAGE * sizeof(int32_t))
            if page is NULL:
                raise MemoryError
            for at in range(PAGE):
                page[at] = UNKNOWN
            self._pages[code // PAGE] = page
        page[code % PAGE] = value
        return value

    cdef inline int32_t _value(self, uint32_t code, bint ascii) except? -1:
        cdef int32_t *page
        if ascii:
            return self._plain[code]
        page = self._pages[code // PAGE]
        if page is NULL or page[code % PAGE] == UNKNOWN:
            return self._learn(code)
        return page[code % PAGE]

    def line(self, str text not None):
        """Return a text folded, white space as one space between words; None where it is left to others.

        That is also where it would have to ask too often, for characters that are new or for pieces.
        """
        cdef str line = self._ascii(text) if text.isascii() and len(text) <= self._most else None
        return self._line(text) if line is None else line

    cdef str _ascii(self, str text):
        """Return a text in ASCII folded; None where letters may stand apart."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at, number = 0
        cdef const uint8_t *letters = <const uint8_t *>PyUnicode_DATA(text)
        cdef uint8_t *out = <uint8_t *>PyMem_Malloc(size + 1)
        cdef uint8_t code, before = 32
        cdef uint32_t last = 0
        cdef bint kept, apart = False
        if out is NULL:
            raise MemoryError
        try:
            # Without branches: each word of a usual text would cost two wrong guesses of the processor.
            for at in range(size):
                code = self._short[letters[at]]
                out[number] = code
                kept = (code != 0) & ((code != 32) | (before != 32))
                number += kept
                before = code if kept else before
                last = (last << 2 | KINDS[code] & (ALNUM | SIGN)) if kept else last
                apart |= (last & LAST_NINE) == FOUR_APART
            apart |= (last << 2 & LAST_NINE) == FOUR_APART
            if apart & self._joins:
                return None
            return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, out, number - (number and before == 32))
        finally:
            PyMem_Free(out)

    cdef str _line(self, str text):
        cdef Line line
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at = 0, behind, plain, asked = 0, learned = self._learned
        cdef int kind = PyUnicode_KIND(text)
        cdef void *data = PyUnicode_DATA(text)
        cdef bint ascii = text.isascii(), together
        cdef int32_t value, ahead
        cdef Py_UCS4 code
        cdef str piece
        line.number, line.given, line.space = 0, 0, False
        line.last, line.start, line.apart, line.joins = APART_FROM, 0, 0, self._joins
        line.room = size + 2
        line.out = <Py_UCS4 *>PyMem_Malloc(line.room * sizeof(Py_UCS4))
        if line.out is NULL:
            raise MemoryError
        try:
            ahead = self._value(PyUnicode_READ(kind, data, 0), ascii) if size else NOTHING
            while at < size:
                if self._learned - learned > MOST_LEARNED:
                    return None
                value, behind = ahead, at + 1
                ahead = self._value(PyUnicode_READ(kind, data, behind), ascii) if behind < size else 0
                if value < 0 or ahead < 0:
                    if value == BY_THE_TEXT:
                        return None
                    # A character, with what may change it behind.
                    together = value == BY_NEIGHBOURS
                    while ahead == NOTHING or ahead == BY_NEIGHBOURS:
                        together = together or ahead == BY_NEIGHBOURS
                        behind += 1
                        ahead = self._value(PyUnicode_READ(kind, data, behind), ascii) if behind < size else 0
                    if together:
                        # All up to two that stay as they are: in some scripts each word has such marks.
                        plain = 0
                        while behind < size and plain < 2:
                            code = PyUnicode_READ(kind, data, behind)
                            plain = plain + 1 if code < 128 and self._value(code, ascii) >= 0 else 0
                            behind += 1
                        behind -= plain
                        ahead = self._value(PyUnicode_READ(kind, data, behind), ascii) if behind < size else 0
                        asked += 1
                        piece = self._together(text[at:behind]) if asked <= 16 + size // 256 else None
                        if piece is None:
                            return None
                        for code in piece:
                            _put(&line, code)
                        value = NOTHING
                if value >= CODES:
                    for code in <str>self._strings[value - CODES]:
                        _put(&line, code)
                elif value >= 0:
                    _put(&line, <Py_UCS4>value)
                at = behind
            if line.given > self._most:
                return None
            line.apart += line.last == LETTER
            _join(&line)
            return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, line.out, line.number)
        finally:
            PyMem_Free(line.out)
