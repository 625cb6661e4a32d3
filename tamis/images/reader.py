"""One reader: a process that takes one image after the other from a socket, and answers what is asked of it.

Forked by the pool (`tamis.images.pool`), which kills it when it says nothing in time. It bounds itself as well: its
memory, the processor time of an image, the files it may write. One that has done enough ends, so that nothing piles up.
"""

import contextlib
import math
import os
import resource
import select
import socket
import time
from struct import Struct
from typing import Final

import msgspec

from tamis import limits
from tamis.images.answers import Look, Reply, Request, Task
from tamis.images.codes import codes
from tamis.images.decode import Refused, decode
from tamis.images.ocr import CannotRead, read, usable
from tamis.images.shape import pixels, shape
from tamis.images.wire import receive, send

PULSE: Final = Struct("<d")
"""What a reader writes to its pipe: the moment (monotonic) by which it will write again."""
_IDLE_SECONDS: Final = 1.0
_LATE_SECONDS: Final = 2.0
"""It is late when it has not written for this much longer than it said."""
_TAKES_SECONDS: Final = 1.0
"""How long the octets of a request may take to arrive: they come from the same machine."""
_IMAGES: Final = 200
"""So many are done before another reader takes the place of one."""
_NICE: Final = 5
_FILE_BYTES: Final = 64 * limits.MIB
"""The largest file: an image on its way to tesseract."""

_request: Final = msgspec.msgpack.Decoder(Request)


class Reader:
    """`languages` are those that are wanted of tesseract; `pulse` is the pipe to the pool."""

    def __init__(self, listener: socket.socket, pulse: int, languages: tuple[str, ...], pool: int) -> None:
        """`pool` is the process that must live for this one to go on."""
        self._pool = pool
        self._listener = listener
        self._pulse = pulse
        self._languages = languages

    def run(self) -> None:
        """Serve until the pool is gone, or enough is done."""
        self._bound()
        left = _IMAGES
        while left and os.getppid() == self._pool:
            self._due(_IDLE_SECONDS)
            # All readers wait for the same socket: another may have been faster.
            if not select.select([self._listener], (), (), _IDLE_SECONDS)[0]:
                continue
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                continue
            with connection:
                left -= self._serve(connection)

    def _bound(self) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limits.IMAGE_MEMORY_BYTES, limits.IMAGE_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # A service may be kept from it; the bounds hold all the same.
        with contextlib.suppress(PermissionError):
            os.nice(_NICE)

    def _due(self, seconds: float) -> None:
        os.write(self._pulse, PULSE.pack(time.monotonic() + seconds + _LATE_SECONDS))

    def _serve(self, connection: socket.socket) -> int:
        """Answer one request; return how many images that were."""
        self._due(_TAKES_SECONDS)
        connection.settimeout(_TAKES_SECONDS)
        try:
            request = _request.decode(receive(connection))
            # Who asked may have given up while it waited for its turn.
            if _closed(connection):
                return 0
            seconds = min(limits.IMAGE_LEARN_SECONDS, max(0.1, request.seconds))
            self._due(seconds)
            _bound_processor(seconds)
            send(connection, msgspec.msgpack.encode(answer(request, self._languages, time.monotonic() + seconds)))
        except (OSError, EOFError, msgspec.MsgspecError):
            return 0  # Whoever asks is one of us, and asks again.
        return 1


def answer(request: Request, wanted: tuple[str, ...], deadline: float) -> Reply:
    """Return what is to be said of an image, its text in one of the languages that are wanted. Never raises.

    `deadline` is in monotonic seconds.
    """
    try:
        decoded = decode(request.data)
        if request.task is Task.LOOK:
            image = decoded.image
            found = (pixels(image), shape(image), codes(image))
            return Reply(look=Look(decoded.width, decoded.height, decoded.frames, *found))
        languages = usable(wanted)
        return Reply(text=read(decoded, languages, deadline))
    except Refused as error:
        return Reply(refused=str(error))
    except CannotRead as error:
        return Reply(failed=str(error))
    except MemoryError:
        return Reply(failed="there is no room for it in the memory of a reader")
    except Exception as error:
        # pytesseract says RuntimeError when its time is up; what Pillow and zxing raise is not for us to foresee.
        late = time.monotonic() > deadline - 0.2
        return Reply(failed="it takes too long" if late else f"a reader failed: {type(error).__name__}")


def _closed(connection: socket.socket) -> bool:
    """Whether the other side, which has nothing more to say, has closed the connection."""
    return bool(select.select([connection], (), (), 0)[0])


def _bound_processor(seconds: float) -> None:
    """Have the kernel end this process when it uses more than that of a processor, and its children likewise."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
