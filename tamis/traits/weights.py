"""The weights of the tests, as `python -m tamis.models.build_traits` has learned them: models/traits.json.

A test that is declared and not in that file does not exist: it was too rare there, or agreed with another.
"""

import re
import zlib
from collections.abc import Container
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

WEIGHTS: Final = Path(__file__).parents[1] / "models" / "traits.json"


class Counted(msgspec.Struct, array_like=True):
    """What is known of one test: how many ham and spam messages hit it, and its weight in score points."""

    ham: int
    spam: int
    weight: float


class Learned(msgspec.Struct):
    """The file.

    `ham` and `spam` are the messages counted, by source; `alike` the pairs of tests that agree most, with their
    Jaccard index; `ablation` what each family is for beside the classifier's counts, `ablation_both` beside both its
    layers, as docs/classifier.md explains it.
    """

    ham: dict[str, int]
    spam: dict[str, int]
    tests: dict[str, Counted]
    alike: list[tuple[str, str, float]] = []
    ablation: dict[str, dict[str, float]] = {}
    ablation_both: dict[str, dict[str, float]] = {}


def read_weights(path: Path = WEIGHTS) -> Learned:
    """Read a file of weights. Raises OSError, or msgspec.MsgspecError (a ValueError)."""
    return msgspec.json.decode(path.read_bytes(), type=Learned)


@cache
def learned() -> Learned:
    """The shipped weights."""
    return read_weights()


class _Everything(Container[str]):
    def __contains__(self, name: object) -> bool:
        return True


EVERYTHING: Final[Container[str]] = _Everything()
"""For `asked`, where also what has no weight is looked for."""
_PIECE: Final = re.compile(r"_\d+(?:_\d+|_UP)?$")


@cache
def asked() -> frozenset[str]:
    """The names of tests that have a weight, and of the measures that they are pieces of: no other has to be known."""
    names = learned().tests.keys()
    return frozenset({*names, *(_PIECE.sub("", name) for name in names)})


@cache
def version() -> int:
    """A number that changes with the weights, so that answers that were kept are forgotten."""
    return zlib.crc32(WEIGHTS.read_bytes())
