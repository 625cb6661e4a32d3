"""Labelled features on disk, in the order in which they came and in a shuffled one that is always the same."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from tamis.models.features import Indices
from tamis.models.hashing import mix

_SHUFFLE: Final = 7


class Stream:
    """Messages as (features, is spam); memory holds the labels alone, whatever their number."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is where the file is to be, which no crash leaves behind. Raises OSError."""
        self._file = tempfile.TemporaryFile(prefix="tamis-features-", dir=folder)  # noqa: SIM115 (closed by __exit__)
        self._ends = [0]
        self._labels: list[bool] = []
        self._octets: Indices | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._octets = None
        self._file.close()

    def __len__(self) -> int:
        return len(self._labels)

    def add(self, indices: Indices, spam: bool) -> None:
        """Append a message. Raises OSError."""
        self._file.write(indices.tobytes())
        self._ends.append(self._ends[-1] + len(indices))
        self._labels.append(spam)
        self._octets = None

    def __getitem__(self, number: int) -> tuple[Indices, bool]:
        """Return the message of that number. Raises OSError or IndexError."""
        if self._octets is None:
            self._file.flush()
            size = self._ends[-1]
            self._octets = np.memmap(self._file, np.uint32, "r", shape=(size,)) if size else np.empty(0, np.uint32)
        return np.array(self._octets[self._ends[number] : self._ends[number + 1]]), self._labels[number]

    def is_spam(self, number: int) -> bool:
        """Return the label of the message of that number. Raises IndexError."""
        return self._labels[number]

    def __iter__(self) -> Iterator[tuple[Indices, bool]]:
        return (self[number] for number in range(len(self)))

    def shuffled(self, numbers: Sequence[int]) -> Iterator[tuple[Indices, bool]]:
        """Yield the messages of these numbers in an order that depends on nothing but the numbers."""
        chosen = np.sort(np.array(numbers, dtype=np.uint64))
        order = np.argsort(mix(chosen, _SHUFFLE, 32), kind="stable")
        return (self[int(number)] for number in chosen[order])
