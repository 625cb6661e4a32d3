"""What a message is made of, as short facts: kinds of text, links, the look of its text; MIME parts, attachments.

Facts say nothing of who sent it. They are coarse on purpose (a length is one of twenty, a path is its outline), so
that mail of another site and another year has the same ones.
"""

import hashlib
import math
import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from tamis.message import Message
from tamis.models import hashing

_PARTS: Final = 20
_URLS: Final = 25
_CHARS: Final = 4000
_NAME_CHARS: Final = 24

_URL: Final = re.compile(r"(?:(\w+)://)?([^/?#]*)([^?#]*)(\?[^#]*)?")
_KEY: Final = re.compile(r"[?&]([A-Za-z_]{1,20})=")
_NUMBERS: Final = re.compile(r"\d+")
_ADDRESS: Final = re.compile(r"[\d.]+(?::\d+)?")
_LOWER: Final = re.compile(r"[a-z]+")
_UPPER: Final = re.compile(r"[A-Z]+")
_CLASS: Final = np.array(
    [1 if chr(c).isupper() else 2 if chr(c).islower() else 3 if chr(c).isdigit() else 0 for c in range(128)] + [4]
)
"""Upper case, lower case, digit of ASCII; 4 for all that is not ASCII."""


def shown_facts(message: Message) -> Iterator[tuple[str, str]]:
    """Yield (kind, fact) of what a reader sees: kinds of text, links, the look of text and Subject. Never raises."""
    for fact in _kinds(message):
        yield "text", fact
    for fact in _links(message):
        yield "link", fact
    for fact in _look(message):
        yield "look", fact


def packing_facts(message: Message) -> Iterator[tuple[str, str]]:
    """Yield (kind, fact) of how a message is packed: its MIME parts and its attachments. Never raises."""
    for fact in _structure(message):
        yield "structure", fact
    for fact in _attachments(message):
        yield "attachment", fact


def _kinds(message: Message) -> Iterator[str]:
    """How the text that is shown is written: types, encodings and charsets of its parts, each by itself.

    Never which of them come together: the ham of the corpora is plain text alone, that of today seldom is.
    """
    for part, _ in message.text_parts[:_PARTS]:
        yield part.content_type
        yield f"{part.content_type} {part.encoding}"
        yield f"charset {part.charset.lower()}"


def _structure(message: Message) -> Iterator[str]:
    """The MIME tree: its containers and leaves, their types, encodings, charsets and file name endings."""
    parts = message.parts
    yield f"parts {min(len(parts), _PARTS)}"
    yield "tree " + " ".join(message.tree.containers[:_PARTS])
    yield "leaves " + " ".join(part.content_type for part in parts[:_PARTS])
    for part in parts[:_PARTS]:
        yield f"part {part.depth} {part.content_type}"
        yield f"encoding {part.content_type} {part.encoding}"
        if part.content_type.startswith("text/"):
            yield f"charset {part.charset.lower()}"
        if part.filename:
            yield "file name ending " + part.filename.lower().rpartition(".")[2][-8:]


def _attachments(message: Message) -> Iterator[str]:
    """Digest, rough size and outline of the name of each attachment."""
    for part in message.parts[:_PARTS]:
        if part.is_attachment:
            yield "digest " + hashlib.blake2b(part.raw.strip(), digest_size=12).hexdigest()
            yield f"size {_rough(len(part.raw), 2)}"
            yield "name " + _LOWER.sub("a", _NUMBERS.sub("0", part.filename.lower()))[:_NAME_CHARS]
            yield f"disposition {part.disposition}"


def _links(message: Message) -> Iterator[str]:
    """What the URLs look like: their top domain, how deep, which parameters; and how many there are."""
    hosts = set()
    for url in message.urls[:_URLS]:
        match = _URL.match(url)
        if match is None:
            continue
        scheme, authority, path, query = match.groups("")
        host = authority.lower().rpartition("@")[2]
        hosts.add(host)
        labels = host.partition(":")[0].split(".")
        yield f"top domain {labels[-1][:20]}"
        yield f"labels {min(len(labels), 9)}"
        yield f"scheme {scheme.lower()[:8]}"
        if ":" in host:
            yield "port"
        if _ADDRESS.fullmatch(host):
            yield "address"
        yield f"depth {min(path.count('/'), 6)}"
        yield "query" if query else "no query"
        for key in _KEY.findall(query)[:5]:
            yield f"parameter {key.lower()}"
        yield f"ending {path.rpartition('.')[2][-5:].lower() if '.' in path[-6:] else '-'}"
        yield "path " + _LOWER.sub("a", _UPPER.sub("A", _NUMBERS.sub("0", path[:200])))[:20]
    yield f"links {min(len(message.urls), 10)}"
    yield f"hosts {min(len(hosts), 10)}"


def _look(message: Message) -> Iterator[str]:
    """Length, case, digits, script mix, lines, quoting and signs of the text, and the same of the Subject."""
    text, subject = message.text, message.subject
    size, lines = len(text), text.count("\n")
    yield f"length {_rough(size, 1.5)}"
    start = text[:_CHARS]
    if start:
        points = np.frombuffer(start.encode("utf-32-le", "replace"), dtype=np.uint32)
        other, upper, lower, digits, foreign = np.bincount(_CLASS[np.minimum(points, 128)], minlength=5).tolist()
        yield f"capitals {10 * upper // max(1, upper + lower)}"
        yield f"digits {20 * digits // len(start)}"
        yield f"not ascii {20 * foreign // len(start)}"
        yield f"signs {20 * other // len(start)}"
        yield f"lines {_rough(lines, 1.5)}"
        yield f"line length {_rough(size // (1 + lines), 1.5)}"
        yield f"exclamations {min(5, text.count('!'))}"
        yield f"questions {min(3, text.count('?'))}"
        yield f"dollars {min(3, text.count('$'))}"
        yield f"quoted {min(5, text.count(chr(10) + '>'))}"
        yield "signature" if "\n-- \n" in text or "\n--\n" in text else "no signature"
    yield f"subject length {min(12, len(subject) // 8)}"
    yield "subject answers" if subject[:4].lower().startswith(("re:", "fw:", "fwd:")) else "subject begins"
    yield f"subject exclamations {min(3, subject.count('!'))}"
    yield f"subject capitals {5 * sum(map(str.isupper, subject[:200])) // max(1, len(subject[:200]))}"
    yield f"subject digits {min(3, sum(map(str.isdigit, subject[:200])))}"
    yield "subject tag" if subject.startswith("[") else "no subject tag"
    fields = message.fields("subject")
    yield "subject encoded" if fields and b"=?" in fields[0].value else "subject plain"


def _rough(number: int, steps: float) -> int:
    """A number as one of few: `steps` for each doubling."""
    return int(math.log2(1 + number) * steps)


def fact_hashes(text: str) -> tuple[hashing.Hashes, hashing.Spans, hashing.Spans]:
    """Hash each fact, one a line; return the hashes, and where each begins and ends."""
    points = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    ends = np.append(np.flatnonzero(points == ord("\n")), len(points))
    starts = np.append(0, ends[:-1] + 1)
    return hashing.span_hashes(points, starts, ends), starts, ends
