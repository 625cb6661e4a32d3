"""Answers of the DNS in the memory of one worker, for as long as they say; those not used for longest go first."""

from collections import OrderedDict
from typing import Any

from tamis import limits
from tamis.dns.answer import Answer

_ENTRY_BYTES = 400
_RECORD_BYTES = 80
"""About what Python takes for an entry and a record besides their octets."""


class Memory:
    """A cache that is bounded by entries and by octets. Not safe for threads: its user has a lock."""

    def __init__(self, entries: int = limits.DNS_CACHE_ENTRIES, octets: int = limits.DNS_CACHE_BYTES) -> None:
        self._entries = entries
        self._room = octets
        self._known: OrderedDict[bytes, tuple[Answer, float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, question: bytes, now: float) -> Answer | None:
        """Return the answer to `Question.wire`, None where none is known that holds at `now` (monotonic seconds)."""
        entry = self._known.get(question)
        if entry is None:
            return None
        if entry[1] <= now:
            self._forget(question)
            return None
        self._known.move_to_end(question)
        return entry[0]

    def put(self, question: bytes, answer: Answer, expires: float) -> None:
        """Keep an answer until it expires (monotonic seconds)."""
        self._forget(question)
        size = _ENTRY_BYTES + len(question)
        if answer.records:
            size += sum(map(_size, answer.records))
        self._known[question] = answer, expires, size
        self._room -= size
        while self._room < 0 or len(self._known) > self._entries:
            self._room += self._known.popitem(last=False)[1][2]

    def _forget(self, question: bytes) -> None:
        entry = self._known.pop(question, None)
        if entry is not None:
            self._room += entry[2]


def _size(record: Any) -> int:
    if isinstance(record, tuple):
        return _RECORD_BYTES + sum(len(value) for value in record if isinstance(value, str))
    return _RECORD_BYTES + len(record)
