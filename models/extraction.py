"""Reading labelled mail on all cores, in pieces on disk, so that a training that was killed goes on where it was.

Reading, parsing and hashing are nearly all of a training's time, and each message is on its own. Processes forked for
it take every n-th piece each, and write it as a file of hashed features; the training reads the pieces in their order.
So its result does not depend on their number, and memory on neither.
"""

import hashlib
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

import tamis
from tamis.models.corpus import CorpusError, Entry
from tamis.models.features import FEATURES_VERSION, Indices

if TYPE_CHECKING:
    from tamis.models.training import Source

_PIECE: Final = 500
"""Messages of a piece."""
_LOOK_SECONDS: Final = 0.05
_FAILED: Final = "failed"
_JOB: Final = "job"


class Extracted(msgspec.Struct, array_like=True):
    """What a training needs of one message."""

    digest: bytes
    """Of its text, to tell repeated texts; empty where nobody asks."""
    left_out: bool
    """Whether its source says not to learn it."""
    features: bytes
    """Its indices, 32 bits each."""
    tests: tuple[str, ...]
    """Named tests that it hits."""

    def indices(self) -> Indices:
        return np.frombuffer(self.features, dtype=np.uint32)


Extract = Callable[["Source", Entry], Extracted]
_Piece = tuple["Source", Sequence[Entry]]
_DECODER: Final = msgspec.msgpack.Decoder(list[Extracted])


def cores() -> int:
    """Return how many processes can run at once."""
    return len(os.sched_getaffinity(0))


def extracted(
    sources: "Sequence[Source]", extract: Extract, folder: Path | None = None, processes: int = 1, asked: str = ""
) -> "Iterator[tuple[Source, Entry, Extracted]]":
    """Yield what `extract` says of every message, in order.

    Pieces are kept in `folder`, and those that are there already are not made again where they are of the same messages
    and of the same question, which `asked` names. Raises CorpusError or OSError.
    """
    pieces = [
        (source, source.entries[start : start + _PIECE])
        for source in sources
        for start in range(0, len(source.entries), _PIECE)
    ]
    if folder is None:
        for source, entries in pieces:
            for entry in entries:
                yield source, entry, extract(source, entry)
        return
    _prepare(folder, _job(sources, asked))
    with _Workers(pieces, extract, folder, min(processes, len(pieces))) as workers:
        for number, (source, entries) in enumerate(pieces):
            found = _DECODER.decode(workers.piece(number))
            for entry, one in zip(entries, found, strict=True):
                yield source, entry, one


def _job(sources: "Sequence[Source]", asked: str) -> str:
    """Return what tells this job from others: which messages, by name and label, and what is asked of them."""
    digest = hashlib.blake2b(f"{tamis.__version__} {FEATURES_VERSION} {asked}".encode(), digest_size=16)
    for source in sources:
        digest.update(
            f"\0\0{source.name}\0{source.body_only}\0{source.teaches_tests}".encode("utf-8", "surrogateescape")
        )
        for entry in source.entries:
            digest.update(f"\0{entry.spam:d}{entry.name}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _prepare(folder: Path, job: str) -> None:
    """Keep what is in a folder where it is of this job, else begin anew."""
    try:
        same = (folder / _JOB).read_text("ascii") == job
    except (OSError, UnicodeDecodeError):
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        (folder / _JOB).write_text(job, "ascii")
    (folder / _FAILED).unlink(missing_ok=True)


class _Workers:
    """Processes that make pieces; they end with the training, however it does."""

    def __init__(self, pieces: Sequence[_Piece], extract: Extract, folder: Path, number: int) -> None:
        self._folder = folder
        fork = multiprocessing.get_context("fork")
        self._processes: list[BaseProcess] = [
            fork.Process(target=_work, args=(pieces, extract, folder, first, number, os.getpid()), daemon=True)
            for first in range(number)
        ]

    def __enter__(self) -> "_Workers":
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
            process.join()

    def piece(self, number: int) -> bytes:
        """Return a piece as soon as it is there. Raises CorpusError or OSError."""
        path = _path(self._folder, number)
        process = self._processes[number % len(self._processes)]
        while True:
            ended = process.exitcode is not None
            try:
                return path.read_bytes()
            except FileNotFoundError:
                if ended:
                    raise CorpusError(self._why()) from None
            wait([process.sentinel], _LOOK_SECONDS)

    def _why(self) -> str:
        try:
            return (self._folder / _FAILED).read_text("utf-8", "surrogateescape")
        except OSError:
            return "a process that reads mail died"


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}"


def _work(pieces: Sequence[_Piece], extract: Extract, folder: Path, first: int, step: int, parent: int) -> None:
    """Make every `step`-th piece that is not there yet, as long as the training lives."""
    try:
        for number in range(first, len(pieces), step):
            path = _path(folder, number)
            if path.exists():
                continue
            source, entries = pieces[number]
            found = []
            for entry in entries:
                if os.getppid() != parent:
                    return
                found.append(extract(source, entry))
            new = path.with_suffix(".new")
            new.write_bytes(msgspec.msgpack.encode(found))
            new.replace(path)
    except (CorpusError, OSError) as error:
        (folder / _FAILED).write_text(str(error), "utf-8", "surrogateescape")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
