"""One writer at a time for a model file, across processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tamis.models.storage import give_to_owner_of_folder


@contextmanager
def exclusive(model: Path) -> Iterator[None]:
    """Hold the lock of a model file, waiting for it.

    The lock is taken on ``MODEL.lock`` beside the file, since the file itself is replaced on saving.
    Raises OSError.
    """
    lock = model.with_name(model.name + ".lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        give_to_owner_of_folder(lock)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
