"""Which connections of this process have octets that wait to be read, and whether anybody reads them.

libmilter reads; that it does is seen from beside it. How much waits tells little: the buffer of a large message that
comes in faster than it is read is always as full.
"""

import fcntl
import os
import socket
import stat
import struct
import termios
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

_BYTES_RECEIVED: Final = struct.Struct("=128xQ")
"""tcpi_bytes_received of the system's struct tcp_info, since Linux 4.1."""
_SO_PEEK_OFF: Final = 42
"""socket(7): an offset that moves back by every octet read. Only a reader with MSG_PEEK goes by it: nobody here."""
_MARK: Final = 1 << 30


def sockets() -> set[int]:
    """The descriptors of this process that are sockets."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.add(int(name))
        except OSError:
            continue
    return found


def name_of(number: int) -> Any:
    """The address of the near end of a socket that somebody else has opened."""
    borrowed = socket.socket(fileno=number)
    try:
        return borrowed.getsockname()
    finally:
        borrowed.detach()


def place(address: Any) -> object:
    """What the near ends of all connections to a listener have in common: the path, or the port."""
    return address[1] if isinstance(address, tuple) else address


def waiting(numbers: Collection[int], where: object) -> dict[int, int]:
    """The connections to this place on which something waits: by inode, which no other has, how far they are read.

    The number is another as soon as anything has been read since the last time, and the same while nothing is.
    """
    found = {}
    for number in numbers:
        with suppress(OSError):  # Closed meanwhile.
            if place(name_of(number)) != where:
                continue
            read = _how_far(number)
            if struct.unpack("i", fcntl.ioctl(number, termios.FIONREAD, bytes(4)))[0]:
                found[os.fstat(number).st_ino] = read
    return found


def _how_far(number: int) -> int:
    borrowed = socket.socket(fileno=number)
    try:
        if borrowed.family != socket.AF_UNIX:
            (received,) = _BYTES_RECEIVED.unpack(
                borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
            )
            return int(received) - int(struct.unpack("i", fcntl.ioctl(number, termios.FIONREAD, bytes(4)))[0])
        mark = borrowed.getsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF)
        if mark < _MARK // 2:  # None has been set, or much has been read.
            mark = _MARK
            borrowed.setsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF, mark)
        return mark
    finally:
        borrowed.detach()
