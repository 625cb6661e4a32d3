"""What worker and helper say to each other: MessagePack behind four octets with its length."""

from typing import BinaryIO, Final, Literal, TypeVar

import msgspec

LENGTH_BYTES: Final = 4


class Request(msgspec.Struct, array_like=True):
    """One file to look at. `room` and `files` bound what is wanted, in octets and members, of an archive."""

    what: Literal["macros", "archive"]
    data: bytes
    room: int = 0
    files: int = 0


class Member(msgspec.Struct, array_like=True):
    """A member of an archive; `size` as the archive says. Without `read` its content was not had."""

    name: str
    size: int
    encrypted: bool = False
    read: bool = False
    data: bytes = b""


class Found(msgspec.Struct, array_like=True):
    """The answer. `error` says why it is not whole."""

    macros: bool = False
    autoexec: list[str] = []
    suspicious: list[str] = []
    members: list[Member] = []
    encrypted: bool = False
    error: str = ""


T = TypeVar("T")


def packed(value: msgspec.Struct) -> bytes:
    """Return a message as it goes over the pipe."""
    body = msgspec.msgpack.encode(value)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def write(sink: BinaryIO, value: msgspec.Struct) -> None:
    sink.write(packed(value))
    sink.flush()


def read(source: BinaryIO, kind: type[T]) -> T:
    """Read one message. Raises `EOFError` or `msgspec.DecodeError`."""
    length = source.read(LENGTH_BYTES)
    body = source.read(int.from_bytes(length, "big")) if len(length) == LENGTH_BYTES else b""
    if not body:
        raise EOFError
    return msgspec.msgpack.decode(body, type=kind)
