"""A clock that the tests set, for a daemon and all it starts.

libfaketime would be the ready-made one: that of Debian 12 lets no Python sleep unless it moves CLOCK_MONOTONIC, too,
which nobody who sets a clock does.
"""

import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("clock.c")


class Clock:
    """`environment` makes a process read this clock: the real one, so many days off as was `set` last."""

    def __init__(self, folder: Path) -> None:
        library = folder / "clock.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-o", library, _SOURCE], check=True)
        self._file = folder / "offset"
        self._file.write_bytes(bytes(8))
        self.environment = {"LD_PRELOAD": str(library), "TAMIS_TEST_CLOCK": str(self._file)}

    def set(self, days: int) -> None:
        """Let the clock jump, in processes that run, too."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", days * 24 * 3600))


@contextmanager
def settable_clock() -> Iterator[Clock]:
    """A clock that is right at first."""
    with tempfile.TemporaryDirectory(prefix="tamis-clock-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield Clock(folder)
