# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The arithmetic of features and scores, compiled: the features that `features.families` describes, and their log-odds.

One pass over a text in place of thirty over arrays of some hundred tokens; tests hold it to what numpy says. All of it
keeps the interpreter's lock: it takes some tens of microseconds a message, and under load getting the lock back would
take longer.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.math cimport log
from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t, uint64_t

# The constants, the classes of characters and the caps are those of `hashing` and `features`.
cdef uint64_t ODD_1 = 0x9E3779B97F4A7C15ULL
cdef uint64_t ODD_2 = 0xBF58476D1CE4E5B9ULL
cdef uint64_t BASE = 0x5851F42D4C957F2DULL
cdef uint64_t PAIR_LEFT = 0x2545F4914F6CDD1DULL
cdef uint64_t PAIR_RIGHT = 0x100000001B3ULL

cdef enum:
    IDEOGRAPHS = 0x2E80
    SHORTEST_WORD = 2
    LONGEST_WORD = 40


cdef inline uint32_t _code(int kind, const void *data, Py_ssize_t at) noexcept:
    """A code point as UTF-32 has it: halves of surrogates, which stand alone in a string, are question marks."""
    cdef uint32_t code = <uint32_t>PyUnicode_READ(kind, <void *>data, at)
    return 63 if 0xD800 <= code < 0xE000 else code


cdef class Indices:
    """Collects indices of features, view by view. One thread uses it."""

    cdef uint32_t *_found
    cdef Py_ssize_t _number, _room
    cdef const uint8_t[:] _is_word

    def __cinit__(self, const uint8_t[:] is_word not None):
        """`is_word` says of each code point below `hashing.IDEOGRAPHS` whether it stands in words."""
        if is_word.shape[0] < IDEOGRAPHS:
            raise ValueError("a class is wanted of each code point")
        self._is_word = is_word

    def __dealloc__(self):
        PyMem_Free(self._found)

    cdef int _reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t room
        cdef void *moved
        if self._number + more > self._room:
            room = 2 * (self._number + more)
            moved = PyMem_Realloc(self._found, room * sizeof(uint32_t))
            if moved is NULL:
                raise MemoryError
            self._found, self._room = <uint32_t *>moved, room
        return 0

    cdef inline void _add(self, uint64_t hashed, uint64_t seed, int bits, uint32_t start) noexcept:
        cdef uint64_t scrambled = (hashed ^ (seed * ODD_2)) * ODD_1
        scrambled ^= scrambled >> 29
        scrambled *= ODD_2
        self._found[self._number] = <uint32_t>(scrambled >> (64 - bits)) + start
        self._number += 1

    def words(self, str folded not None, uint64_t seed, int bits, uint32_t start, bint pairs):
        """Add words, pairs of neighbouring words and pairs of ideographs (`seed` to + 2) of a folded text."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(folded), at = 0, begin
        cdef int kind = PyUnicode_KIND(folded)
        cdef const void *data = PyUnicode_DATA(folded)
        cdef uint32_t code, before = 0
        cdef uint64_t hashed, power, last = 0
        cdef bint has_last = False
        # A word and a pair for two characters at most, and a pair of ideographs for each.
        self._reserve(2 * size + 2)
        while at < size:
            code = _code(kind, data, at)
            if code >= IDEOGRAPHS:
                if before >= IDEOGRAPHS:
                    self._add((<uint64_t>before << 32) | code, seed + 2, bits, start)
                before = code
                at += 1
                continue
            before = code
            if not self._is_word[code]:
                at += 1
                continue
            begin, hashed, power = at, 0, 1
            while code < IDEOGRAPHS and self._is_word[code]:
                # All digits are one.
                hashed += (<uint64_t>(48 if 48 <= code <= 57 else code) + 1) * power
                power *= BASE
                at += 1
                if at == size:
                    break
                code = _code(kind, data, at)
            if SHORTEST_WORD <= at - begin <= LONGEST_WORD:
                self._add(hashed, seed, bits, start)
            if pairs and has_last:
                self._add(last * PAIR_LEFT + hashed * PAIR_RIGHT, seed + 1, bits, start)
            last, has_last = hashed, True

    def lines(self, str text not None, uint64_t seed, int bits, uint32_t start):
        """Add each line of a text as a whole."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef uint32_t code
        cdef uint64_t hashed = 0, power = 1
        self._reserve(size + 1)
        for at in range(size):
            code = _code(kind, data, at)
            if code == 10:
                self._add(hashed, seed, bits, start)
                hashed, power = 0, 1
            else:
                hashed += (<uint64_t>code + 1) * power
                power *= BASE
        self._add(hashed, seed, bits, start)

    def octets(self, bytes data not None, uint64_t seed, int bits, uint32_t start):
        """Add every run of four octets."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data), at
        cdef const uint8_t *octets = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef uint32_t run = 0
        self._reserve(size)
        for at in range(size):
            run = (run << 8) | octets[at]
            if at >= 3:
                self._add(run, seed, bits, start)

    def found(self):
        """Return all indices in the order they were found, 32 bits each as this machine has them."""
        return PyBytes_FromStringAndSize(<const char *>self._found, self._number * sizeof(uint32_t))


def log_odds(
    const float[:] ham not None, const float[:] spam not None, const uint32_t[:] indices not None,
    double ham_balance, double spam_balance, double alpha,
):
    """Return the sum of the log-odds of some features, given the counts of all, and what balances the classes."""
    cdef Py_ssize_t at, features = min(ham.shape[0], spam.shape[0])
    cdef uint32_t index
    cdef double total = 0.0
    for at in range(indices.shape[0]):
        index = indices[at]
        if index >= features:
            raise IndexError("there is no such feature")
        # Most features have never been seen: they weigh nothing.
        if ham[index] != 0.0 or spam[index] != 0.0:
            total += log((spam[index] * spam_balance + alpha) / (ham[index] * ham_balance + alpha))
    return total


def votes(const int16_t[:] weights not None, const uint32_t[:] indices not None):
    """Return the sum of the stored weights of some features."""
    cdef Py_ssize_t at, features = weights.shape[0]
    cdef int64_t total = 0
    for at in range(indices.shape[0]):
        if indices[at] >= features:
            raise IndexError("there is no such feature")
        total += weights[indices[at]]
    return total
