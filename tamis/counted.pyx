# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What is counted of a text letter by letter, compiled."""

from cpython.unicode cimport (
    Py_UNICODE_ISSPACE, PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ,
)


def solid(str text not None, str besides not None):
    """Return how many characters of a text are neither white space nor any of `besides`, which are not ASCII."""
    cdef Py_ssize_t at, found = 0
    cdef int kind = PyUnicode_KIND(text)
    cdef void *data = PyUnicode_DATA(text)
    cdef Py_UCS4 code
    for at in range(PyUnicode_GET_LENGTH(text)):
        code = PyUnicode_READ(kind, data, at)
        found += not Py_UNICODE_ISSPACE(code) and (code < 128 or code not in besides)
    return found
