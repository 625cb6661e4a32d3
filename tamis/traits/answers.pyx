# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Which tests hold, given the flags that were named and the numbers that were measured. Tests say the same in Python."""

from cpython.dict cimport PyDict_GetItem, PyDict_Next
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from libc.stdint cimport int16_t
from libc.string cimport memset

cdef enum:
    MOST_TESTS = 4096
    MOST_CUTS = 16


cdef struct Cuts:
    int number
    long long at[MOST_CUTS]
    int16_t places[MOST_CUTS]


cdef class Answers:
    """Answers of tests, in order. It never changes; any thread may ask it."""

    cdef dict _places, _measures
    cdef list _answers
    cdef Cuts *_cuts

    def __cinit__(self, dict answers not None, dict measures not None):
        """Take the answer of each test by its name, and of each measure its cuts, with the name of the test of each.

        What stands between two cuts is of the test of the lower one. Tests that have no answer are left out.
        """
        cdef Py_ssize_t number, place
        if len(answers) > MOST_TESTS:
            raise ValueError("there are too many tests")
        self._answers = [*answers.values()]
        self._places = {name: place for place, name in enumerate(answers)}
        self._measures = {name: number for number, name in enumerate(measures)}
        self._cuts = <Cuts *>PyMem_Calloc(len(measures) + 1, sizeof(Cuts))
        if self._cuts is NULL:
            raise MemoryError
        for number, (at, names) in enumerate(measures.values()):
            if not 0 < len(at) <= MOST_CUTS or len(at) != len(names) or [*at] != sorted(at):
                raise ValueError("a measure has too many cuts, or they are in no order")
            self._cuts[number].number = <int>len(at)
            for place in range(len(at)):
                self._cuts[number].at[place] = at[place]
                self._cuts[number].places[place] = self._places.get(names[place], -1)

    def __dealloc__(self):
        PyMem_Free(self._cuts)

    def of(self, set flags not None, dict numbers not None):
        """Return the answers of the flags, and of the measures' numbers. Raises KeyError where a measure is not known."""
        cdef char holds[MOST_TESTS]
        cdef Py_ssize_t number = len(self._answers), position = 0, place
        cdef PyObject *found
        cdef PyObject *name
        cdef PyObject *value
        cdef Cuts *cuts
        cdef long long measured
        cdef int overflow = 0, at
        memset(holds, 0, number)
        for flag in flags:
            found = PyDict_GetItem(self._places, flag)
            if found is not NULL:
                place = <object>found
                holds[place] = 1
        while PyDict_Next(numbers, &position, &name, &value):
            place = self._measures[<object>name]
            cuts = &self._cuts[place]
            measured = PyLong_AsLongLongAndOverflow(<object>value, &overflow)
            if overflow:
                measured = (1LL << 62) if overflow > 0 else -(1LL << 62)
            for at in range(cuts.number - 1, -1, -1):
                if measured >= cuts.at[at]:
                    if cuts.places[at] >= 0:
                        holds[cuts.places[at]] = 1
                    break
        return [self._answers[place] for place in range(number) if holds[place]]
