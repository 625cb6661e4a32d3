# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Folding, compiled: one pass over a text in place of one for each thing that is folded.

What a character becomes by itself is asked of Python once, and remembered. What depends on its neighbours, such as
accents that make one letter with the one before, is folded by Python each time. It keeps the interpreter's lock.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.unicode cimport (
    Py_UNICODE_ISALNUM, Py_UNICODE_ISSPACE, PyUnicode_4BYTE_KIND, PyUnicode_DATA, PyUnicode_FromKindAndData,
    PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ,
)
from libc.stdint cimport int32_t, uint8_t, uint32_t

cdef enum:
    CODES = 0x110000
    PAGE = 256
    PAGES = 0x1100
    # What a character becomes where it is neither a code point nor, from CODES on, the number of a string.
    UNKNOWN = -1
    NOTHING = -2
    BY_NEIGHBOURS = -3
    BY_THE_TEXT = -4

cdef enum:
    OTHER = 0
    ALNUM = 1
    SPACE = 2
    SIGN = 4

cdef enum:
    LEAST_APART = 4

cdef str SIGNS = " .\u00b7*_~|-"
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
    # Letters and digits that stand apart, the last of them not sure yet, and the sign between them.
    int apart
    Py_UCS4 sign
    bint in_word
    bint alone
    bint joined
    bint found


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


cdef inline bint _in_word(int kind, void *data, Py_ssize_t at, Py_ssize_t size) noexcept:
    """Whether this character and the next are letters or digits of ASCII."""
    cdef Py_UCS4 this, that
    if at + 1 >= size:
        return False
    this, that = PyUnicode_READ(kind, data, at), PyUnicode_READ(kind, data, at + 1)
    return this < 128 and that < 128 and KINDS[this] & KINDS[that] & ALNUM


cdef inline int _put(Line *line, Py_UCS4 code) except -1:
    """Write a folded character."""
    cdef uint8_t kind = _kind(code)
    line.given += 1
    if kind == ALNUM:
        if line.in_word:
            line.alone, line.apart = False, 0
        else:
            line.in_word = line.alone = True
            line.apart = line.apart + 1 if line.joined else 1
        line.joined = False
    else:
        if line.alone and line.apart >= LEAST_APART:
            line.found = True
        if line.alone and kind & SIGN:
            if code != line.sign:
                line.apart, line.sign = 1, code
            line.joined = True
        else:
            line.joined = False
        line.in_word = line.alone = False
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
    cdef list _strings
    cdef object _alone, _together
    cdef Py_ssize_t _most
    cdef bint _apart

    def __cinit__(self, str plain not None, alone not None, together not None, Py_ssize_t most, bint apart):
        """Take what characters become: those of a text in ASCII `plain`, NUL for nothing, others by the functions.

        `alone` says of a character what it becomes whatever stands beside it, or None where that depends on what does;
        `together` says it of several, or None where all of the text must be known. A letter or digit of ASCII is the
        same everywhere. Texts of more than `most` characters, folded, are left to others, and with `apart` those
        where four letters stand apart.
        """
        cdef Py_UCS4 code
        cdef int at
        if len(plain) != 128:
            raise ValueError("128 characters are wanted")
        for at in range(128):
            code = plain[at]
            self._plain[at] = <int32_t>code if code else NOTHING
        self._strings, self._alone, self._together = [], alone, together
        self._most, self._apart = most, apart

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

    cdef Py_ssize_t _word(self, Line *line, int kind, void *data, Py_ssize_t at, Py_ssize_t size) except -1:
        """Write a word in ASCII but for its last letter, which other characters may change; return where that stands."""
        cdef Py_ssize_t first = at, number
        while _in_word(kind, data, at, size):
            at += 1
        _reserve(line, at - first)
        line.given += at - first
        number = line.number
        if line.space:
            line.out[number] = 32
            number += 1
        while first < at:
            line.out[number] = <Py_UCS4>self._plain[PyUnicode_READ(kind, data, first)]
            first += 1
            number += 1
        line.number, line.space = number, False
        line.in_word, line.alone, line.joined, line.apart = True, False, False, 0
        return at

    def line(self, str text not None):
        """Return a text folded, white space as one space between words; None where it is left to others.

        That is also where too many pieces would have to be asked for.
        """
        cdef Line line
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at = 0, behind, plain, asked = 0
        cdef int kind = PyUnicode_KIND(text)
        cdef void *data = PyUnicode_DATA(text)
        cdef bint ascii = text.isascii(), together
        cdef int32_t value, ahead
        cdef Py_UCS4 code
        cdef str piece
        line.number, line.given, line.space = 0, 0, False
        line.apart, line.sign, line.in_word, line.alone, line.joined, line.found = 0, 0, False, False, False, False
        line.room = size + 2
        line.out = <Py_UCS4 *>PyMem_Malloc(line.room * sizeof(Py_UCS4))
        if line.out is NULL:
            raise MemoryError
        try:
            ahead = self._value(PyUnicode_READ(kind, data, 0), ascii) if size else NOTHING
            while at < size:
                if _in_word(kind, data, at, size):
                    at = self._word(&line, kind, data, at, size)
                    ahead = self._plain[PyUnicode_READ(kind, data, at)]
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
            if line.alone and line.apart >= LEAST_APART:
                line.found = True
            if line.given > self._most or (self._apart and line.found):
                return None
            return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, line.out, line.number)
        finally:
            PyMem_Free(line.out)
