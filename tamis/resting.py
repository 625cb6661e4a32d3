"""Whether an SQLite database is as it was, by a look at its files: nobody has to open it for that.

What is committed is written behind what stands in the -wal file, or into the database itself. But the times of files go
in the steps of the kernel's clock, and of two changes within one step the second may not be seen. So only files that
have rested for a second tell anything.
"""

import os
import time
from pathlib import Path
from typing import Final

Stamp = tuple[tuple[int, int, int, int], ...]
_REST_NANOSECONDS: Final = 1_000_000_000


def stamp_of(file: Path | None) -> Stamp | None:
    """Return what is the same as long as nobody writes to a database of SQLite; None where that cannot be told.

    Of another database (`file` is None) it never can. Rights and the file's place are part of it.
    """
    if file is None:
        return None
    try:
        found = [os.stat(file)]
        try:
            log = os.stat(f"{file}-wal")
        except FileNotFoundError:
            pass
        else:
            # Whoever reads makes an empty one.
            found += [log] if log.st_size else []
    except OSError:
        return None
    changed = max(max(status.st_mtime_ns, status.st_ctime_ns) for status in found)
    if changed + _REST_NANOSECONDS > time.time_ns():
        return None
    return tuple((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns) for status in found)
