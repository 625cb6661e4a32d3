# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Where words stand in a text, which patterns have all that they need there, and around what they are to be run.

What `finder` makes of the words that were found, compiled: hundreds of them in a message of a usual size, each of
several sets. It keeps the interpreter's lock.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcmp

cdef enum:
    # Spots of a set that windows are made of whatever the length of the text.
    FEW = 16
    # Octets that RE2 reads in about the time that one search more takes.
    SEARCH = 500
    # The most octets of a character in UTF-8.
    CHARACTER = 4


cdef void *_allocated(Py_ssize_t number, size_t size) except NULL:
    cdef void *memory = PyMem_Calloc(max(1, number), size)
    if memory is NULL:
        raise MemoryError
    return memory


cdef struct Rows:
    # Numbers in rows: those of row n stand from starts[n] to starts[n + 1].
    int32_t *starts
    int32_t *numbers


cdef int _fill(Rows *rows, list lists, Py_ssize_t most) except -1:
    """Take lists of numbers below `most`."""
    cdef Py_ssize_t at = 0, row
    cdef list one
    rows.starts = <int32_t *>_allocated(len(lists) + 1, sizeof(int32_t))
    rows.numbers = <int32_t *>_allocated(sum(map(len, lists)), sizeof(int32_t))
    for row in range(len(lists)):
        one = lists[row]
        for number in one:
            if not 0 <= number < most:
                raise IndexError("there is no such number")
            rows.numbers[at] = number
            at += 1
        rows.starts[row + 1] = at
    return 0


cdef void _free(Rows *rows) noexcept:
    PyMem_Free(rows.starts)
    PyMem_Free(rows.numbers)


cdef struct Word:
    # A word among `octets`, one after the other.
    int32_t start
    int32_t length


cdef struct Other:
    # A set that is looked for only where a pattern may match, behind so many of the pattern's sets.
    int32_t place
    int32_t first_word
    int32_t words
    uint8_t begins[256]


cdef class Plan:
    """The sets that hold words, and what patterns need. It never changes; any thread may use it."""

    cdef Rows _sets_of, _needed_by, _sets
    cdef int64_t *_characters
    cdef int64_t *_runs
    cdef int32_t *_others_of
    cdef Other *_others
    cdef Word *_other_words
    cdef bytes _octets
    cdef readonly Py_ssize_t words, sets, patterns

    def __cinit__(self, list sets_of not None, list sets not None, list lengths not None, list others not None):
        """Take the sets that hold each word, those that each pattern needs, how long its matches may be, and others.

        A length is some characters and some runs of what is not white space, or None where there is no bound. Others
        are sets, too, each with the number of those before it: words that only the text around the sets is asked for.
        """
        cdef list needed_by
        self.words, self.patterns = len(sets_of), len(sets)
        self.sets = max((number + 1 for one in sets_of for number in one), default=0)
        if not len(lengths) == len(others) == self.patterns:
            raise ValueError("a length and others are wanted of each pattern")
        needed_by = [[] for _ in range(self.sets)]
        for pattern, needed in enumerate(sets):
            for number in needed:
                needed_by[number].append(pattern)
        _fill(&self._sets_of, sets_of, self.sets)
        _fill(&self._sets, sets, self.sets)
        _fill(&self._needed_by, needed_by, self.patterns)
        self._characters = <int64_t *>_allocated(self.patterns, sizeof(int64_t))
        self._runs = <int64_t *>_allocated(self.patterns, sizeof(int64_t))
        for pattern, length in enumerate(lengths):
            # Longer than any text is as good as no bound.
            bounded = length is not None and max(length) < 1 << 30
            self._characters[pattern] = length[0] if bounded else -1
            self._runs[pattern] = length[1] if bounded else 0
        self._take_others(others)

    cdef int _take_others(self, list others) except -1:
        cdef Py_ssize_t pattern, at = 0, word = 0, start = 0
        cdef Other *other
        cdef bytes one
        every = [one for some in others for _, words in some for one in words]
        if not all(every):
            raise ValueError("a word has no letters")
        self._octets = b"".join(every)
        self._others_of = <int32_t *>_allocated(self.patterns + 1, sizeof(int32_t))
        self._others = <Other *>_allocated(sum(map(len, others)), sizeof(Other))
        self._other_words = <Word *>_allocated(len(every), sizeof(Word))
        for pattern in range(self.patterns):
            for place, words in others[pattern]:
                other = &self._others[at]
                other.place, other.first_word, other.words = place, word, len(words)
                for one in words:
                    other.begins[<uint8_t>one[0]] = 1
                    self._other_words[word] = Word(start, PyBytes_GET_SIZE(one))
                    start += PyBytes_GET_SIZE(one)
                    word += 1
                at += 1
            self._others_of[pattern + 1] = at
        return 0

    def __dealloc__(self):
        _free(&self._sets_of)
        _free(&self._needed_by)
        _free(&self._sets)
        PyMem_Free(self._characters)
        PyMem_Free(self._runs)
        PyMem_Free(self._others_of)
        PyMem_Free(self._others)
        PyMem_Free(self._other_words)


cdef struct Spot:
    int32_t start
    int32_t end


cdef struct Hit:
    int32_t word
    int32_t start
    int32_t end


cdef class Spots:
    """Where the words of a plan stand in one text. One thread uses it."""

    cdef Plan _plan
    cdef bytes _text
    cdef Py_ssize_t _size
    cdef Hit *_hits
    cdef Py_ssize_t _number, _room
    # The spots of set n stand from starts[n] to starts[n + 1], in order, by start as by end.
    cdef Spot *_spots
    cdef int32_t *_starts
    # 0 where that has not been asked.
    cdef int64_t _character, _longest_run

    def __cinit__(self, Plan plan not None, bytes text not None):
        """Take a text of which `add` says what was found."""
        self._plan, self._text, self._size = plan, text, PyBytes_GET_SIZE(text)

    def __dealloc__(self):
        PyMem_Free(self._hits)
        PyMem_Free(self._spots)
        PyMem_Free(self._starts)

    def add(self, list hits not None, Py_ssize_t first, Py_ssize_t most):
        """Add words found in a piece of the text that begins at `first`: number, start and end there, in order.

        Those that start at `most` or behind are left out.
        """
        cdef Py_ssize_t start, end, room
        cdef int32_t word
        cdef void *moved
        if self._starts is not NULL:
            raise ValueError("this has been asked")
        if self._number + len(hits) > self._room:
            room = self._number + len(hits)
            moved = PyMem_Realloc(self._hits, room * sizeof(Hit))
            if moved is NULL:
                raise MemoryError
            self._hits, self._room = <Hit *>moved, room
        for hit in hits:
            word, start, end = <tuple?>hit
            if start >= most:
                continue
            if not (0 <= word < self._plan.words and 0 <= first + start <= first + end <= self._size):
                raise IndexError("there is no such word")
            self._hits[self._number] = Hit(word, first + start, first + end)
            self._number += 1

    def possible(self):
        """Return the patterns of which all sets were found, in order, with those that need none. To be asked once."""
        cdef Plan plan = self._plan
        cdef Py_ssize_t at, row, pattern
        cdef int32_t *behind = NULL
        cdef int32_t *found = NULL
        cdef Hit hit
        cdef list possible = []
        if self._starts is not NULL:
            raise ValueError("this has been asked")
        self._starts = <int32_t *>_allocated(plan.sets + 1, sizeof(int32_t))
        try:
            for at in range(self._number):
                hit = self._hits[at]
                for row in range(plan._sets_of.starts[hit.word], plan._sets_of.starts[hit.word + 1]):
                    self._starts[plan._sets_of.numbers[row] + 1] += 1
            for at in range(plan.sets):
                self._starts[at + 1] += self._starts[at]
            self._spots = <Spot *>_allocated(self._starts[plan.sets], sizeof(Spot))
            behind = <int32_t *>_allocated(plan.sets, sizeof(int32_t))
            for at in range(self._number):
                hit = self._hits[at]
                for row in range(plan._sets_of.starts[hit.word], plan._sets_of.starts[hit.word + 1]):
                    number = plan._sets_of.numbers[row]
                    self._spots[self._starts[number] + behind[number]] = Spot(hit.start, hit.end)
                    behind[number] += 1
            found = <int32_t *>_allocated(plan.patterns, sizeof(int32_t))
            for at in range(plan.sets):
                if behind[at]:
                    for row in range(plan._needed_by.starts[at], plan._needed_by.starts[at + 1]):
                        found[plan._needed_by.numbers[row]] += 1
            for pattern in range(plan.patterns):
                if found[pattern] == plan._sets.starts[pattern + 1] - plan._sets.starts[pattern]:
                    possible.append(pattern)
            return possible
        finally:
            PyMem_Free(behind)
            PyMem_Free(found)

    def windows(self, Py_ssize_t pattern):
        """Return where a pattern that `possible` gave may match: all of the text, or parts, in order and apart."""
        cdef Plan plan = self._plan
        cdef list windows
        cdef int32_t *sets
        cdef Py_ssize_t number, at, rarest, least, one
        cdef int64_t room, start, end, begun = 0, ended = -1, cost = 0
        cdef Spot spot
        if self._starts is NULL or not 0 <= pattern < plan.patterns:
            raise IndexError("no pattern has been asked for, or there is none")
        sets = plan._sets.numbers + plan._sets.starts[pattern]
        number = plan._sets.starts[pattern + 1] - plan._sets.starts[pattern]
        if plan._characters[pattern] < 0 or number == 0:
            return self._whole(pattern)
        rarest, least = 0, self._spots_of(sets[0])
        for at in range(1, number):
            if self._spots_of(sets[at]) < least:
                rarest, least = at, self._spots_of(sets[at])
        if least > FEW + self._size // SEARCH:
            return self._whole(pattern)
        room = plan._characters[pattern] * self._octets()
        if plan._runs[pattern]:
            room += plan._runs[pattern] * self._run()
        windows = []
        for one in range(self._starts[sets[rarest]], self._starts[sets[rarest] + 1]):
            spot = self._spots[one]
            start, end = spot.end - room, spot.start + room
            start, end = max(0, start), min(self._size, end)
            if not self._all_there(pattern, rarest, spot, start, end):
                continue
            if ended >= 0 and start - ended <= SEARCH:
                ended = end
                continue
            if ended >= 0:
                windows.append((begun, ended))
                cost += ended - begun + SEARCH
            begun, ended = start, end
        if ended >= 0:
            windows.append((begun, ended))
            cost += ended - begun + SEARCH
        return windows if cost < self._size + SEARCH else self._whole(pattern)

    cdef inline Py_ssize_t _spots_of(self, int32_t number) noexcept:
        return self._starts[number + 1] - self._starts[number]

    cdef list _whole(self, Py_ssize_t pattern):
        """Return all of the text, or nothing where it has no word of one of the other sets."""
        cdef Plan plan = self._plan
        cdef Py_ssize_t at
        for at in range(plan._others_of[pattern], plan._others_of[pattern + 1]):
            if not self._holds(&plan._others[at], 0, self._size):
                return []
        return [(0, self._size)]

    cdef bint _all_there(self, Py_ssize_t pattern, Py_ssize_t rarest, Spot spot, int64_t start, int64_t end):
        """Whether each set may stand there on its side of a spot of the rarest: from `start`, or up to `end`."""
        cdef Plan plan = self._plan
        cdef int32_t *sets = plan._sets.numbers + plan._sets.starts[pattern]
        cdef Py_ssize_t at
        cdef Other *other
        for at in range(plan._sets.starts[pattern + 1] - plan._sets.starts[pattern]):
            if at < rarest and not self._between(sets[at], start, spot.start):
                return False
            if at > rarest and not self._between(sets[at], spot.end, end):
                return False
        for at in range(plan._others_of[pattern], plan._others_of[pattern + 1]):
            other = &plan._others[at]
            if not (self._holds(other, start, spot.start) if other.place <= rarest else self._holds(other, spot.end, end)):
                return False
        return True

    cdef bint _holds(self, Other *other, Py_ssize_t start, Py_ssize_t end):
        """Whether a word of a set stands in a part of the text."""
        cdef Plan plan = self._plan
        cdef const char *text = PyBytes_AS_STRING(self._text)
        cdef const char *octets = PyBytes_AS_STRING(plan._octets)
        cdef Py_ssize_t at, number
        cdef Word word
        for at in range(start, end):
            if other.begins[<uint8_t>text[at]]:
                for number in range(other.first_word, other.first_word + other.words):
                    word = plan._other_words[number]
                    if word.length <= end - at and not memcmp(text + at, octets + word.start, word.length):
                        return True
        return False

    cdef bint _between(self, int32_t number, int64_t start, int64_t end) noexcept:
        cdef int32_t low = self._starts[number], high = self._starts[number + 1], last = high, middle
        while low < high:
            middle = low + (high - low) // 2
            if self._spots[middle].start < start:
                low = middle + 1
            else:
                high = middle
        return low < last and self._spots[low].end <= end

    cdef int64_t _octets(self):
        """The most octets of a character of this text."""
        if not self._character:
            self._character = 1 if self._text.isascii() else CHARACTER
        return self._character

    cdef int64_t _run(self):
        """Octets of the longest run without white space."""
        cdef const char *octets = PyBytes_AS_STRING(self._text)
        cdef Py_ssize_t at, begun = 0
        if not self._longest_run:
            for at in range(self._size + 1):
                if at == self._size or octets[at] == 32 or 9 <= octets[at] <= 13:
                    self._longest_run = max(self._longest_run, at - begun)
                    begun = at + 1
        return self._longest_run
