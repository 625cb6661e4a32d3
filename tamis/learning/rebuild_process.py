"""The process that makes the second layer anew: the job comes by standard input, what is made goes to standard output.

It writes no file of the site's: the keeper, which started it, does. Where the keeper is gone, it ends.
"""

import os
import resource
import sys
import time
from typing import Final

import msgspec

from tamis import faults, limits
from tamis.learning.corrected import Made
from tamis.learning.rebuilding import Disturbed, Job, rebuild

NICE: Final = 10
DISTURBED: Final = 75
"""Exit status where the journal was changed so that it is to be done again (EX_TEMPFAIL)."""
_ORPHANED: Final = 70
_REST_TIMES: Final = 3.0
"""How much longer it rests than it works where it may not lower its priority."""
_PIECE_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 1.0


class Result(msgspec.Struct, array_like=True):
    """What was made; the arrays as octets, lowest first."""

    made: Made
    indices: bytes
    weights: bytes


class Pace:
    """Rests so many times as long as it works, in short pieces."""

    def __init__(self, times: float) -> None:
        self._times = times
        self._since = time.monotonic()

    def step(self) -> None:
        """Rest where a piece is done. To be called often."""
        worked = time.monotonic() - self._since
        if self._times and worked > _PIECE_SECONDS:
            time.sleep(self._times * min(worked, _LONGEST_SECONDS))
            self._since = time.monotonic()


def _made_less_urgent() -> bool:
    """Lower our priority; return whether we may. The unit that we ship keeps the daemon from it."""
    try:
        os.nice(NICE)
    except PermissionError:
        return False
    return True


def main() -> int:
    """Do one job; return the exit status."""
    pace = Pace(0.0 if _made_less_urgent() else _REST_TIMES)
    resource.setrlimit(resource.RLIMIT_DATA, (limits.REBUILD_MEMORY_BYTES, limits.REBUILD_MEMORY_BYTES))
    job, keeper = msgspec.json.decode(sys.stdin.buffer.read(), type=Job), os.getppid()
    faults.point("corrected.read")

    def alive() -> None:
        if os.getppid() != keeper:
            os._exit(_ORPHANED)
        pace.step()

    try:
        made, moved = rebuild(job, alive)
    except Disturbed:
        return DISTURBED
    faults.point("corrected.made")
    result = Result(made, moved.indices.astype("<u4").tobytes(), moved.weights.astype("<i2").tobytes())
    sys.stdout.buffer.write(msgspec.msgpack.encode(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
