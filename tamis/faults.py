"""Named points at which tests stop or kill a process: between every two steps of what must not lose mail.

Nothing happens at them unless the environment variable TAMIS_FAULT names a folder when the process starts. A file
in it arms a point of every process that uses it, also of one that runs already:

* ``POINT.kill``: SIGKILL to the process that comes there first;
* ``POINT.pause``: that process waits until somebody removes ``POINT.paused``, which then holds its process id: time to
  kill any other part;
* ``POINT.error``: an `OSError`, as of a disk that is full, for everyone while the file is there.
"""

import errno
import os
import signal
import time
from pathlib import Path
from typing import Final

VARIABLE: Final = "TAMIS_FAULT"

POINTS: Final = (
    "spool.written",
    "spool.synced",
    "spool.named",
    "spool.settled",
    "hold.locked",
    "hold.inserted",
    "hold.committed",
    "hold.answered",
    "release.asked",
    "release.committed",
    "send.claimed",
    "send.connected",
    "send.content",
    "send.before-dot",
    "send.accepted",
    "send.recorded",
    "expire.marked",
    "expire.committed",
    "collect.locked",
    "collect.unlinked",
    "collect.committed",
)
"""Every point there is, in the order in which a message passes them."""

LEARNING_POINTS: Final = (
    "trap.marked",
    "trap.learned",
    "report.read",
    "report.learned",
    "learned.built",
    "learned.written",
    "corrected.read",
    "corrected.made",
    "corrected.written",
)
"""The same of what is learned, which must not be lost either."""

_folder: Final = os.environ.get(VARIABLE, "")


def point(name: str) -> None:
    """Pass a named point; acts only where the environment asked for it. Raises `OSError` where an error is wanted."""
    if _folder:
        _act(Path(_folder, name))


def _act(path: Path) -> None:
    if _first(f"{path}.kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if _first(f"{path}.pause"):
        Path(f"{path}.pausing").write_text(str(os.getpid()), "ascii")
        # Whoever sees this name finds the number in it.
        os.rename(f"{path}.pausing", f"{path}.paused")
        while os.path.exists(f"{path}.paused"):
            time.sleep(0.005)
    if os.path.exists(f"{path}.error"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _first(file: str) -> bool:
    """Whether the file was there, and it is we who have removed it."""
    try:
        os.unlink(file)
    except FileNotFoundError:
        return False
    return True
