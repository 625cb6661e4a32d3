"""What opening the archives of one message may cost: octets, files and processor time, all together."""

import time
from dataclasses import dataclass, field
from typing import Final

from tamis import limits

_PIECE: Final = 64 * limits.KIB


class Exhausted(Exception):
    """A bound of the message was reached; the text says which."""


class Bomb(Exception):
    """A member expands beyond all measure."""


@dataclass(slots=True)
class Budget:
    """What is left for one message. Raises `Exhausted` where nothing is."""

    bytes_left: int = limits.ARCHIVE_BYTES
    files_left: int = limits.ATTACHED_FILES
    kept_left: int = limits.FILE_BYTES_KEPT
    _until: float = field(default_factory=lambda: time.thread_time() + limits.ARCHIVE_CPU_SECONDS)

    def take_file(self) -> None:
        if self.files_left <= 0:
            raise Exhausted(f"there are more than {limits.ATTACHED_FILES} files")
        self.files_left -= 1

    def take(self, size: int) -> None:
        """Pay for octets that were unpacked."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise Exhausted(f"its archives hold more than {limits.ARCHIVE_BYTES // limits.MIB} MiB")
        if time.thread_time() > self._until:
            raise Exhausted(f"opening its archives takes longer than {limits.ARCHIVE_CPU_SECONDS:g} s")

    def keep(self, data: bytes) -> bytes:
        """Return the octets where there is room to keep them, else nothing."""
        if len(data) > self.kept_left:
            return b""
        self.kept_left -= len(data)
        return data

    @property
    def piece(self) -> int:
        """How much to unpack in one step."""
        return _PIECE
