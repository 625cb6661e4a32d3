"""Messages on the socket of the readers: the length of one (32 bits, little-endian), then its octets."""

import socket
from struct import Struct
from typing import Final

from tamis import limits

_LENGTH: Final = Struct("<I")
_MOST: Final = limits.MESSAGE_BYTES + limits.MIB


def send(connection: socket.socket, message: bytes) -> None:
    """Raises OSError."""
    connection.sendall(_LENGTH.pack(len(message)) + message)


def receive(connection: socket.socket) -> bytes:
    """Return a message. Raises OSError (TimeoutError among them), EOFError where the other side has gone."""
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    if length > _MOST:
        raise EOFError(f"a message of {length} octets")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = bytearray(count)
    with memoryview(received) as view:
        done = 0
        while done < count:
            read = connection.recv_into(view[done:])
            if not read:
                raise EOFError("the other side has gone")
            done += read
    return bytes(received)
