"""What `spots.pyx` gives."""

class Plan:
    """The sets that hold words, and what patterns need. It never changes; any thread may use it."""

    def __init__(
        self,
        sets_of: list[list[int]],
        sets: list[list[int]],
        lengths: list[tuple[int, int] | None],
        others: list[list[tuple[int, list[bytes]]]],
    ) -> None: ...

class Spots:
    """Where the words of a plan stand in one text. One thread uses it."""

    def __init__(self, plan: Plan, text: bytes) -> None: ...
    def add(self, hits: list[tuple[int, int, int]], first: int, most: int) -> None: ...
    def possible(self) -> list[int]: ...
    def windows(self, pattern: int) -> list[tuple[int, int]]: ...
