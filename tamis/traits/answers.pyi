"""What `answers.pyx` gives."""

from collections.abc import Sequence
from typing import Generic, TypeVar

A = TypeVar("A")

class Answers(Generic[A]):
    """Answers of tests, in order. It never changes; any thread may ask it."""

    def __init__(self, answers: dict[str, A], measures: dict[str, tuple[Sequence[int], Sequence[str]]]) -> None: ...
    def of(self, flags: set[str], numbers: dict[str, int]) -> list[A]: ...
