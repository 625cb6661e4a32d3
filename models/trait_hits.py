"""Which of the named tests of `tamis.traits` the messages of labelled mail hit, as a matrix."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.message import Message
from tamis.models.corpus import Entry
from tamis.models.features import Indices, body_only, features
from tamis.models.wire import message_on_the_wire
from tamis.traits import found_in

Matrix = NDArray[np.bool_]

_CHARS: Final = 4000


@dataclass(slots=True)
class Hits:
    """Rows are messages, columns tests. `tokens` are the features of the classifier, where they were asked for."""

    names: tuple[str, ...]
    matrix: Matrix
    spam: NDArray[np.bool_]
    tokens: list[Indices]

    def save(self, path: Path) -> None:
        """Write it for another run. Raises OSError."""
        ends = np.cumsum([0, *map(len, self.tokens)])
        joined = np.concatenate(self.tokens) if self.tokens else np.empty(0, dtype=np.uint32)
        packed = np.packbits(self.matrix, axis=1)
        np.savez(path, names=np.array(self.names), packed=packed, spam=self.spam, joined=joined, ends=ends)

    @classmethod
    def load(cls, path: Path) -> "Hits":
        """Read what `save` has written. Raises OSError or ValueError."""
        with np.load(path) as read:
            names = tuple(map(str, read["names"]))
            matrix = np.unpackbits(read["packed"], axis=1, count=len(names)).astype(np.bool_)
            ends = read["ends"]
            return cls(names, matrix, read["spam"], np.split(read["joined"], ends[1:-1]) if len(ends) > 1 else [])

    def only(self, names: Sequence[str]) -> "Hits":
        """Return the columns of some tests, in that order."""
        places = {name: place for place, name in enumerate(self.names)}
        return Hits(tuple(names), self.matrix[:, [places[name] for name in names]], self.spam, self.tokens)


def hits_of(entries: Iterable[Entry], names: Sequence[str], *, unique: bool = False, tokens: bool = False) -> Hits:
    """Look at messages as the milter saw them. `unique` leaves out those whose text was there before.

    Raises CorpusError.
    """
    places = {name: place for place, name in enumerate(names)}
    rows: list[NDArray[np.uint8]] = []
    spam: list[bool] = []
    found: list[Indices] = []
    texts: set[bytes] = set()
    for entry in entries:
        message = Message(entry.read())
        if unique:
            digest = _text_digest(message)
            if digest in texts:
                continue
            texts.add(digest)
        row = np.zeros(len(places), dtype=np.bool_)
        row[[places[name] for name in found_in(message_on_the_wire(message)) if name in places]] = True
        rows.append(np.packbits(row))
        spam.append(entry.spam)
        if tokens:
            found.append(body_only(features(message)))
    width = (len(places) + 7) // 8
    packed = np.array(rows, dtype=np.uint8).reshape(len(rows), width)
    matrix = np.unpackbits(packed, axis=1, count=len(places)).astype(np.bool_)
    return Hits(tuple(names), matrix, np.array(spam, dtype=np.bool_), found)


def _text_digest(message: Message) -> bytes:
    letters = "".join(filter(str.isalnum, message.text[:_CHARS])) or message.subject
    return hashlib.blake2b(letters.encode("utf-8", "replace"), digest_size=16).digest()
