"""What the pool of readers is told at its start, on its command line."""

import msgspec


class PoolSettings(msgspec.Struct, frozen=True):
    """What the pool is told at its start. `folder` is for files on their way to tesseract; nothing else is in it."""

    listener: int
    alive: int
    readers: int
    folder: str
    tesseract: str
    languages: tuple[str, ...]
