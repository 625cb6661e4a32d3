"""What Tamis uses of google-re2, which ships no types."""

class Options:
    case_sensitive: bool
    log_errors: bool
    max_mem: int
    dot_nl: bool

class error(Exception): ...  # noqa: N801

class Match:
    def start(self) -> int: ...
    def end(self) -> int: ...

class Pattern:
    programsize: int
    def search(self, text: bytes, pos: int | None = ..., endpos: int | None = ...) -> Match | None: ...

class Filter:
    def Add(self, pattern: str, options: Options) -> int: ...  # noqa: N802
    def Compile(self) -> None: ...  # noqa: N802
    def Match(self, text: bytes, potential: bool = ...) -> list[int] | None: ...  # noqa: N802
    def re(self, index: int) -> Pattern: ...

class Set:
    @staticmethod
    def SearchSet(options: Options | None = ...) -> Set: ...  # noqa: N802
    def Add(self, pattern: str) -> int: ...  # noqa: N802
    def Compile(self) -> None: ...  # noqa: N802
    def Match(self, text: bytes) -> list[int] | None: ...  # noqa: N802

def compile(pattern: str, options: Options | None = ...) -> Pattern: ...
