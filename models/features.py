"""The features of a message: which hashed tokens it holds.

Presence only, no frequencies: binary features are the better model of mail for naive Bayes
(Schneider 2003; Metsis, Androutsopoulos and Paliouras 2006). Two views that share no index:

* *body*, what the message says: words and pairs of neighbouring words of the visible text and of the
  Subject (bigrams of characters in scripts without spaces), words of the URLs;
* *header*, how it was made: byte 4-grams, words and word pairs of the header block as it stood on the
  wire, and the MIME structure.

They are apart so that a model can learn a corpus by its body alone where the rest gives the label away, or
is of another time: in 2007 a photo with a greeting was spam, and ham was plain text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.message import Message
from tamis.models import hashing
from tamis.models.wire import header_on_the_wire

Indices = NDArray[np.uint32]

FEATURES_VERSION: Final = 1
"""Changes whenever the same message would give other indices; a model of another version is refused."""

BODY, HEADER = 0, 1
VIEWS: Final = (BODY, HEADER)
VIEW_BITS: Final = (22, 21)
"""Bits of the hashes of each view: what the shipped model knows fills a tenth of the body's space, so that
one in ten unknown words is taken for a known one, at 48 MiB for the counts of both classes."""
VIEW_STARTS: Final = (0, 1 << VIEW_BITS[BODY])
"""First index of each view."""
FEATURES: Final = VIEW_STARTS[HEADER] + (1 << VIEW_BITS[HEADER])
"""Size of the index space."""

_TEXT_CHARS: Final = 8000
_SUBJECT_CHARS: Final = 500
_URL_CHARS: Final = 2000
_HEADER_BYTES: Final = 3000
_MOST_PARTS: Final = 20
_SHORTEST_WORD, _LONGEST_WORD = 2, 40
_GRAM: Final = 4


@dataclass(frozen=True, slots=True)
class Family:
    """Features of one kind and where in the text each was found, so that a clue can be shown."""

    kind: str
    indices: Indices
    source: str
    starts: hashing.Spans
    ends: hashing.Spans

    def text(self, position: int) -> str:
        """Return the piece of the message behind the feature at that position."""
        return self.source[int(self.starts[position]) : int(self.ends[position])]


def features(message: Message) -> Indices:
    """Return the sorted, distinct indices of all features of a message. Never raises."""
    found = [family.indices for family in families(message)]
    return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.uint32)


def body_only(indices: Indices) -> Indices:
    """Return the features of the body view."""
    return indices[: int(np.searchsorted(indices, VIEW_STARTS[HEADER]))]


def view_slice(view: int) -> slice:
    """Return where the indices of a view lie in arrays over all features."""
    return slice(VIEW_STARTS[view], VIEW_STARTS[view] + (1 << VIEW_BITS[view]))


def split_views(indices: Indices) -> list[Indices]:
    """Split sorted indices into those of each view, in the order of `VIEWS`."""
    return np.split(indices, np.searchsorted(indices, VIEW_STARTS[1:]))


def families(message: Message) -> Iterator[Family]:
    """Yield the features of a message kind by kind."""
    yield from _words("word", message.text[:_TEXT_CHARS], BODY, seed=1)
    yield from _words("subject", message.subject[:_SUBJECT_CHARS], BODY, seed=5)
    yield from _words("url", "\n".join(message.urls)[:_URL_CHARS], BODY, seed=9, pairs=False)
    yield _structure(message)
    header = header_on_the_wire(message, _HEADER_BYTES)
    readable = header.decode("latin-1")
    yield from _words("header", readable, HEADER, seed=13)
    grams = hashing.byte_gram_hashes(header, _GRAM)
    starts = np.arange(len(grams), dtype=np.int64)
    yield Family("header bytes", _indices(grams, HEADER, 17), readable, starts, starts + _GRAM)


def _indices(hashes: hashing.Hashes, view: int, seed: int) -> Indices:
    return hashing.mix(hashes, seed, VIEW_BITS[view]) + np.uint32(VIEW_STARTS[view])


def _words(kind: str, text: str, view: int, seed: int, pairs: bool = True) -> Iterator[Family]:
    """Yield words, pairs of words and, for scripts without spaces, pairs of characters (seeds `seed` to +2)."""
    folded = hashing.fold(text)
    points = hashing.codes(folded)
    if not len(points):
        return
    starts, ends = hashing.word_spans(points)
    if len(starts):
        words = hashing.span_hashes(points, starts, ends)
        lengths = ends - starts
        usual = (lengths >= _SHORTEST_WORD) & (lengths <= _LONGEST_WORD)
        yield Family(kind, _indices(words[usual], view, seed), folded, starts[usual], ends[usual])
        if pairs and len(starts) > 1:
            yield Family(kind, _indices(hashing.pair_hashes(words), view, seed + 1), folded, starts[:-1], ends[1:])
    bigrams = hashing.bigram_starts(points)
    if len(bigrams):
        indices = _indices(hashing.bigram_hashes(points, bigrams), view, seed + 2)
        yield Family(kind, indices, folded, bigrams, bigrams + 2)


def word_pairs(text: str) -> Indices:
    """Return the indices of the pairs of neighbouring words of a text, as in the text of a message."""
    found = [family.indices for family in _words("word", text, BODY, seed=1)]
    return found[1] if len(found) > 1 else np.empty(0, dtype=np.uint32)


def _structure(message: Message) -> Family:
    """What the message is made of: its parts, their types, encodings, charsets and file name endings."""
    parts = message.parts
    facts = [f"parts {min(len(parts), _MOST_PARTS)}", "tree " + " ".join(message.tree.containers[:_MOST_PARTS])]
    facts.append("leaves " + " ".join(part.content_type for part in parts[:_MOST_PARTS]))
    for part in parts[:_MOST_PARTS]:
        facts.append(f"part {part.depth} {part.content_type}")
        facts.append(f"encoding {part.content_type} {part.encoding}")
        if part.content_type.startswith("text/"):
            facts.append(f"charset {part.charset.lower()}")
        if part.filename:
            facts.append("file name ending " + part.filename.lower().rpartition(".")[2][-8:])
    hashes = np.array([hashing.text_hash(fact) for fact in facts], dtype=np.uint64)
    ends = np.cumsum(np.array([len(fact) for fact in facts], dtype=np.int64))
    starts = ends - np.array([len(fact) for fact in facts], dtype=np.int64)
    return Family("structure", _indices(hashes, HEADER, 21), "".join(facts), starts, ends)
