# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Splitting a header block into names and values, compiled: what `tamis.mime.parse_header` says of it.

One pass over the octets in place of a search and a match for each line. It keeps the interpreter's lock: a header
takes some microseconds.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memchr


cdef inline bint _in_name(unsigned char octet) noexcept:
    """Whether an octet may stand in the name of a field: printable, no colon; or above 127, as senders write."""
    return octet > 32 and octet != 58 and octet != 127


cdef inline Py_ssize_t _newline(const char *octets, Py_ssize_t start, Py_ssize_t stop) noexcept:
    """Return where the next line feed before `stop` stands, -1 where there is none."""
    cdef const char *found = NULL
    if start < stop:
        found = <const char *>memchr(octets + start, 10, stop - start)
    return -1 if found is NULL else found - octets


def split(bytes data not None, Py_ssize_t most_octets, Py_ssize_t most_fields):
    """Return the fields as pairs of name and value, where those of each name stand, where the body starts, whether the
    block ended early, and whether it is capped.

    A value keeps its folding, and not the last line feed. No field begins behind the first `most_octets`, and there are
    `most_fields` at most: what has more is capped.
    """
    cdef const char *octets = PyBytes_AS_STRING(data)
    cdef Py_ssize_t stop = PyBytes_GET_SIZE(data), limit = min(stop, most_octets)
    cdef Py_ssize_t position = 0, line_end, next_line, line_stop, at, value_end
    cdef Py_ssize_t name_start = 0, name_stop = 0, name_end = 0, value_start = -1
    cdef bint blank, matched, capped = False
    cdef list fields = [], places
    cdef dict numbers = {}
    cdef bytes name, lowered
    while True:
        line_end = _newline(octets, position, stop)
        next_line = stop if line_end < 0 else line_end + 1
        line_stop = stop if line_end < 0 else line_end
        blank = position >= stop or line_stop == position
        matched = False
        at = position
        if not blank:
            if value_start >= 0 and (octets[position] == 32 or octets[position] == 9):
                position = next_line
                if position < limit or position >= stop:
                    continue
                capped = True
            else:
                while at < line_stop and _in_name(<unsigned char>octets[at]):
                    at += 1
                if at > position:
                    name_end = at
                    while at < line_stop and (octets[at] == 32 or octets[at] == 9):
                        at += 1
                    matched = at < line_stop and octets[at] == 58
        if value_start >= 0:
            value_end = position - 1 if position > value_start and octets[position - 1] == 10 else position
            name = data[name_start:name_stop]
            lowered = name.lower()
            places = numbers.get(lowered)
            if places is None:
                numbers[lowered] = [len(fields)]
            else:
                places.append(len(fields))
            fields.append((name, data[value_start:value_end]))
            value_start = -1
        if matched and (len(fields) >= most_fields or position >= limit):
            capped = True
        if capped:
            at = position - 1 if position else 0
            at = data.find(b"\n\n", at, stop)
            return fields, numbers, stop if at < 0 else at + 2, False, True
        if not matched:
            return fields, numbers, next_line if blank else position, not blank, False
        name_start, name_stop, value_start = position, name_end, at + 1
        position = next_line
