"""What `phrases.pyx` gives."""

from collections.abc import Callable
from typing import Final

END: Final = 0
ANY: Final = 1
SOME: Final = 2

class Plain:
    """Makes texts plain. It remembers each character that it meets."""

    def __init__(self, fold: Callable[[str], str]) -> None: ...
    def of(self, text: str) -> bytes: ...

class Phrases:
    """Phrases, each with the number of what it stands for. It never changes; any thread may ask it."""

    def __init__(self, phrases: list[tuple[bytes, int, int]]) -> None: ...
    def found(self, text: bytes) -> list[int]: ...
