"""One writer at a time for a model file, across processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(model: Path) -> Iterator[None]:
    """Hold the lock of a model file, waiting for it.

    The lock is taken on ``MODEL.lock`` beside the file, since the file itself is replaced on saving.
    Raises OSError.
    """
    descriptor = os.open(model.with_name(model.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
