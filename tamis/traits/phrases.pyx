# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Words and phrases that are looked for in a text all at once, compiled. Tests hold it to what Python and RE2 say.

A text is made plain first: in ASCII, in small letters, its words one space apart. Phrases are kept as a tree of their
letters; from the beginning of each word the text is followed down the tree, as far as it goes.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

cdef enum:
    KNOWN = 0x20000     # Of the characters beyond none reads as ASCII.
    SIGN = 127          # What stands for all that is not ASCII: no letter of a word, and no space.
    NOTHING = 128       # An accent.
    SEVERAL = 129       # More than one letter.
    MOST = 1024         # Things to be found.
    MOST_NODES = 60000

# What may follow a phrase: the end of its word; the rest of the word, if any; at least one letter more.
END, ANY, SOME = 0, 1, 2


cdef uint8_t[256] IN_WORD

for _octet in range(256):
    IN_WORD[_octet] = chr(_octet) in "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


cdef inline bint _in_word(uint8_t octet) noexcept:
    return IN_WORD[octet]


cdef class Plain:
    """Makes texts plain. It remembers each character that it meets; the interpreter's lock is kept meanwhile."""

    cdef uint8_t *_letters
    cdef dict _several
    cdef object _fold

    def __cinit__(self, fold):
        """Take what says how a character is written in small ASCII letters; what is not ASCII of that is a sign."""
        cdef uint32_t code
        self._letters = <uint8_t *>PyMem_Calloc(KNOWN, 1)
        if self._letters is NULL:
            raise MemoryError
        self._several, self._fold = {}, fold
        for code in range(128):
            self._learn(code)

    def __dealloc__(self):
        PyMem_Free(self._letters)

    cdef uint8_t _learn(self, uint32_t code) except 0:
        cdef str found = "".join(
            [" " if one.isspace() else one if "\0" < one < "\x7f" else "\x7f" for one in self._fold(chr(code))]
        )
        if len(found) > 1:
            self._several[code] = found
        self._letters[code] = SEVERAL if len(found) > 1 else <uint8_t>ord(found) if found else NOTHING
        return self._letters[code]

    cdef str _without_several(self, str text):
        """Learn the characters of a text, and return it without those that are written as several letters."""
        cdef Py_ssize_t at
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef uint32_t code
        cdef bint several = False
        for at in range(PyUnicode_GET_LENGTH(text)):
            code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
            if code < KNOWN:
                several |= (self._letters[code] or self._learn(code)) == SEVERAL
        return text.translate(self._several) if several else text

    def of(self, str text not None):
        """Return a text in ASCII, in small letters, its words one space apart, with no space around it."""
        if not text.isascii():
            text = self._without_several(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at, number = 0
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef uint32_t code
        cdef uint8_t letter
        cdef bytes found = PyBytes_FromStringAndSize(NULL, size)
        cdef uint8_t *octets = <uint8_t *>PyBytes_AS_STRING(found)
        for at in range(size):
            code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
            letter = self._letters[code] if code < KNOWN else <uint8_t>SIGN
            if letter == 32:
                if number and octets[number - 1] != 32:
                    octets[number] = 32
                    number += 1
            elif letter != NOTHING:
                octets[number] = letter
                number += 1
        if number and octets[number - 1] == 32:
            number -= 1
        return PyBytes_FromStringAndSize(<char *>octets, number)


cdef struct Node:
    uint8_t octet
    uint16_t child      # The first of those that go on from here, 0 where none does.
    uint16_t sibling
    uint16_t ending     # The first of the phrases that end here, counted from 1.
    uint32_t further    # A bit for each letter (its last five bits) that some go on with.


cdef struct Ending:
    uint16_t number
    uint16_t other      # Another phrase that ends there.
    uint8_t tail


cdef class Phrases:
    """Phrases, each with the number of what it stands for. It never changes; any thread may ask it."""

    cdef Node *_nodes
    cdef Ending *_endings
    cdef uint16_t _roots[256]
    cdef Py_ssize_t _used, _numbers

    def __cinit__(self, list phrases not None):
        """Take phrases (octets that begin with a letter or digit, what may follow, the number)."""
        cdef Py_ssize_t room = 1 + sum([len(phrase) for phrase, _, _ in phrases]), place
        cdef uint8_t octet
        cdef uint16_t node
        cdef uint16_t *link
        if room > MOST_NODES or len(phrases) > MOST_NODES:
            raise ValueError("there are too many phrases")
        self._nodes = <Node *>PyMem_Calloc(room, sizeof(Node))
        self._endings = <Ending *>PyMem_Calloc(len(phrases) + 1, sizeof(Ending))
        if self._nodes is NULL or self._endings is NULL:
            raise MemoryError
        memset(self._roots, 0, sizeof(self._roots))
        self._used, self._numbers = 1, 0
        for place, (phrase, tail, number) in enumerate(phrases, 1):
            if not phrase or not _in_word(phrase[0]) or not 0 <= number < MOST:
                raise ValueError("a phrase begins with no word, or stands for no number")
            if tail not in (END, ANY, SOME) or (tail != END and not _in_word(phrase[len(phrase) - 1])):
                raise ValueError("nothing may follow a phrase that ends with no word")
            self._numbers = max(self._numbers, number + 1)
            node = 0
            for octet in phrase:
                link = &self._nodes[node].child if node else &self._roots[octet]
                while link[0] and self._nodes[link[0]].octet != octet:
                    link = &self._nodes[link[0]].sibling
                if not link[0]:
                    link[0] = <uint16_t>self._used
                    self._nodes[node].further |= <uint32_t>1 << (octet & 31)
                    self._nodes[link[0]].octet = octet
                    self._used += 1
                node = link[0]
            self._endings[place].number, self._endings[place].tail = number, tail
            self._endings[place].other = self._nodes[node].ending
            self._nodes[node].ending = <uint16_t>place

    def __dealloc__(self):
        PyMem_Free(self._nodes)
        PyMem_Free(self._endings)

    def found(self, bytes text not None):
        """Return the numbers of the phrases that are in a text, in order."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text), start, at
        cdef const uint8_t *octets = <const uint8_t *>PyBytes_AS_STRING(text)
        cdef uint8_t holds[MOST]
        cdef uint16_t node, ending
        cdef bint before = False, inside, further
        cdef Ending *one
        memset(holds, 0, self._numbers)
        for start in range(size):
            inside = _in_word(octets[start])
            if before or not inside:
                before = inside
                continue
            before = True
            at, node = start, self._roots[octets[start]]
            while node:
                at += 1
                ending = self._nodes[node].ending
                if ending:
                    further = at < size and _in_word(octets[at])
                    while ending:
                        one = &self._endings[ending]
                        if one.tail == 1 or (further if one.tail == 2 else further != _in_word(octets[at - 1])):
                            holds[one.number] = 1
                        ending = one.other
                if at == size or not self._nodes[node].further >> (octets[at] & 31) & 1:
                    break
                node = self._nodes[node].child
                while node and self._nodes[node].octet != octets[at]:
                    node = self._nodes[node].sibling
        return [number for number in range(self._numbers) if holds[number]]
