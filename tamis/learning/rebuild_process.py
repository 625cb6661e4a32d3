"""The process that makes the second layer anew: the job comes by standard input, what is made goes to standard output.

It writes no file of the site's: the keeper, which started it, does. Where the keeper is gone, it ends.
"""

import contextlib
import os
import resource
import sys
from typing import Final

import msgspec

from tamis import faults, limits
from tamis.learning.corrected import Made
from tamis.learning.rebuilding import Disturbed, Job, rebuild

NICE: Final = 10
DISTURBED: Final = 75
"""Exit status where the journal was changed so that it is to be done again (EX_TEMPFAIL)."""
_ORPHANED: Final = 70


class Result(msgspec.Struct, array_like=True):
    """What was made; the arrays as octets, lowest first."""

    made: Made
    indices: bytes
    weights: bytes


def main() -> int:
    """Do one job; return the exit status."""
    # A service may be kept from it; it is done all the same.
    with contextlib.suppress(PermissionError):
        os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (limits.REBUILD_MEMORY_BYTES, limits.REBUILD_MEMORY_BYTES))
    job, keeper = msgspec.json.decode(sys.stdin.buffer.read(), type=Job), os.getppid()
    faults.point("corrected.read")

    def alive() -> None:
        if os.getppid() != keeper:
            os._exit(_ORPHANED)

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
