"""Named points at which tests stop or kill a process: between every two steps of what must not lose mail.

Nothing happens at them unless the environment says so when the process starts: ``TAMIS_FAULT=POINT=ACTION``. ACTION is

* ``kill:FOLDER``: SIGKILL to the process itself, once: FOLDER/POINT.done remembers it;
* ``pause:FOLDER``: FOLDER/POINT is written with the process id, and awaited until it is gone, once: time to kill any
  other part;
* ``error``: an OSError, as of a disk that is full, each time.
"""

import errno
import os
import signal
import time
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

_name, _, _action = os.environ.get(VARIABLE, "").partition("=")


def point(name: str) -> None:
    """Pass a named point; acts only where the environment asked for it. Raises `OSError` for the action ``error``."""
    if name == _name:
        _act(name)


def _act(name: str) -> None:
    action, _, where = _action.partition(":")
    if where:
        try:
            os.close(os.open(f"{where}/{name}.done", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "error":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif action == "pause":
        marker = f"{where}/{name}"
        with open(marker, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
        while os.path.exists(marker):
            time.sleep(0.005)
