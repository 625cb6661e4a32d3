"""What `folder.pyx` gives."""

from collections.abc import Callable

class Folder:
    """Folds texts in one way. Any thread may use it."""

    def __init__(
        self,
        plain: str,
        alone: Callable[[str], str | None],
        together: Callable[[str], str | None],
        most: int,
        joins: bool,
    ) -> None: ...
    def line(self, text: str) -> str | None: ...
