"""Putting a file of the keeper's in the place of the one before: readers, and a crash, see the old or the new one."""

import os
from collections.abc import Iterable
from pathlib import Path


def publish(path: Path, pieces: Iterable[bytes | bytearray]) -> None:
    """Write pieces one after the other, durably, readable by the user alone. Raises OSError, and leaves the old file.

    Only the one keeper writes such files, so the name of the new one, beside it, is its own.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
