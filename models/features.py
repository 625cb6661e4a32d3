"""The features of a message: which hashed tokens it holds.

Presence only, no frequencies: binary features are the better model of mail for naive Bayes
(Schneider 2003; Metsis, Androutsopoulos and Paliouras 2006). Three views that share no index:

* *body*, what the message says and is made of: words and pairs of neighbouring words of the visible text and of
  the Subject (bigrams of characters in scripts without spaces), words of the URLs, and the facts that a reader sees;
* *octets*, how its text is written: byte 4-grams of the raw Subject and of the first 3,000 octets of the text parts,
  in the charset they came in and with their markup;
* *header*, how it came: byte 4-grams, words and word pairs of the header block as it stood on the wire, and how the
  message is packed: its MIME tree and attachments, which tell one server and one year from another as headers do.

They are apart so that a model can learn a corpus without the headers where they give the label away, and because
each is judged on its own (`correction`). What stands before the @ of an address makes no feature of the first two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.message import Message
from tamis.models import hashing, native
from tamis.models.shape import fact_hashes, packing_facts, shown_facts
from tamis.models.wire import header_on_the_wire

Indices = NDArray[np.uint32]

FEATURES_VERSION: Final = 3
"""Changes whenever the same message would give other indices; a model of another version is refused."""

BODY, OCTETS, HEADER = 0, 1, 2
VIEWS: Final = (BODY, OCTETS, HEADER)
VIEW_BITS: Final = (21, 21, 21)
"""Bits of the hashes of each view: ten octets a feature, 63 MB in all."""
VIEW_STARTS: Final = (0, 1 << VIEW_BITS[BODY], (1 << VIEW_BITS[BODY]) + (1 << VIEW_BITS[OCTETS]))
"""First index of each view."""
_LATER_STARTS: Final = np.array(VIEW_STARTS[1:], dtype=np.uint32)
FEATURES: Final = VIEW_STARTS[HEADER] + (1 << VIEW_BITS[HEADER])
"""Size of the index space."""

_TEXT_CHARS: Final = 8000
_SUBJECT_CHARS: Final = 500
_URL_CHARS: Final = 2000
_BODY_BYTES: Final = 3000
_HEADER_BYTES: Final = 3000
_ADDRESSES: Final = 100
_LOCAL_PART_CHARS: Final = 64
_SHORTEST_WORD, _LONGEST_WORD = 2, 40
_GRAM: Final = 4
_IS_WORD: Final = hashing.IS_WORD.astype(np.uint8)


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
    found = native.Indices(_IS_WORD)
    for piece in _pieces(message):
        bits, start = VIEW_BITS[piece.view], VIEW_STARTS[piece.view]
        if isinstance(piece, _Octets):
            found.octets(piece.data, piece.seed, bits, start)
        elif isinstance(piece, _Facts):
            found.lines(piece.text, piece.seed, bits, start)
        else:
            found.words(hashing.fold(piece.text), piece.seed, bits, start, piece.pairs)
    joined = np.sort(np.frombuffer(found.found(), dtype=np.uint32))
    # np.unique goes through a hash table first, which takes three times as long.
    distinct: Indices = joined[np.append(True, joined[1:] != joined[:-1])]
    return distinct


def body_only(indices: Indices) -> Indices:
    """Return the features of all views but the header's."""
    return indices[: int(np.searchsorted(indices, VIEW_STARTS[HEADER]))]


def view_slice(view: int) -> slice:
    """Return where the indices of a view lie in arrays over all features."""
    return slice(VIEW_STARTS[view], VIEW_STARTS[view] + (1 << VIEW_BITS[view]))


def split_views(indices: Indices) -> list[Indices]:
    """Split sorted indices into those of each view, in the order of `VIEWS`."""
    # A third of the time of np.split.
    first, second = np.searchsorted(indices, _LATER_STARTS).tolist()
    return [indices[:first], indices[first:second], indices[second:]]


class _Words(NamedTuple):
    """A text to be taken word by word, see `_words`."""

    kind: str
    view: int
    seed: int
    text: str
    pairs: bool = True


class _Facts(NamedTuple):
    """Facts to be taken as wholes, one a line."""

    kind: str
    view: int
    seed: int
    text: str


class _Octets(NamedTuple):
    """Octets of which each run of four is taken."""

    kind: str
    view: int
    seed: int
    data: bytes


def _pieces(message: Message) -> Iterator[_Words | _Facts | _Octets]:
    """Yield what features are made of. Seeds are three apart at least, since words take three."""
    yield _Words("word", BODY, 1, without_local_parts(message.text[:_TEXT_CHARS]))
    yield _Words("subject", BODY, 5, without_local_parts(message.subject[:_SUBJECT_CHARS]))
    yield _Words("url", BODY, 9, without_local_parts("\n".join(message.urls)[:_URL_CHARS]), pairs=False)
    yield _Facts("make", BODY, 21, _lines(shown_facts(message)))
    yield _Octets("octets", OCTETS, 33, _octets(message))
    header = header_on_the_wire(message, _HEADER_BYTES)
    yield _Words("header", HEADER, 13, header.decode("latin-1"))
    yield _Octets("header octets", HEADER, 17, header)
    yield _Facts("make", HEADER, 25, _lines(packing_facts(message)))


def families(message: Message) -> Iterator[Family]:
    """Yield the features of a message kind by kind, with where each stands: the same that `features` returns."""
    for piece in _pieces(message):
        if isinstance(piece, _Octets):
            yield _grams(piece.kind, piece.data, piece.view, piece.seed)
        elif isinstance(piece, _Facts):
            hashes, starts, ends = fact_hashes(piece.text)
            yield Family(piece.kind, _indices(hashes, piece.view, piece.seed), piece.text, starts, ends)
        else:
            yield from _words(*piece)


def _octets(message: Message) -> bytes:
    """Return the raw Subject and the start of the raw body, without what stands before the @ of addresses."""
    subject = message.fields("subject")
    start = b"Subject: " + (subject[0].value.strip()[:_SUBJECT_CHARS] if subject else b"")
    said = b"\n".join(part.payload[:_BODY_BYTES] for part, _ in message.text_parts)[:_BODY_BYTES]
    return without_local_parts((start + b"\n\n" + said).decode("latin-1")).encode("latin-1")


def without_local_parts(text: str) -> str:
    """Return a text of the same length in which the local parts of addresses are spaces: they are people's names."""
    at = text.find("@")
    if at < 0:
        return text
    pieces, done = [], 0
    for _ in range(_ADDRESSES):
        if at < 0:
            break
        start = at
        while start > max(done, at - _LOCAL_PART_CHARS) and (text[start - 1].isalnum() or text[start - 1] in "._%+=-"):
            start -= 1
        pieces += [text[done:start], " " * (at - start)]
        done, at = at, text.find("@", at + 1)
    return "".join([*pieces, text[done:]])


def _grams(kind: str, data: bytes, view: int, seed: int) -> Family:
    grams = hashing.byte_gram_hashes(data, _GRAM)
    starts = np.arange(len(grams), dtype=np.int64)
    return Family(kind, _indices(grams, view, seed), data.decode("latin-1"), starts, starts + _GRAM)


def _indices(hashes: hashing.Hashes, view: int, seed: int) -> Indices:
    return hashing.mix(hashes, seed, VIEW_BITS[view]) + np.uint32(VIEW_STARTS[view])


def _words(kind: str, view: int, seed: int, text: str, pairs: bool = True) -> Iterator[Family]:
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
    found = [family.indices for family in _words("word", BODY, 1, text)]
    return found[1] if len(found) > 1 else np.empty(0, dtype=np.uint32)


def _lines(found: Iterator[tuple[str, str]]) -> str:
    """Return the distinct facts, one a line; what does not fit is left out, of which a message has no need."""
    return "\n".join(dict.fromkeys([f"{kind}: {fact}" for kind, fact in found]))[: hashing.MAX_CHARS]
