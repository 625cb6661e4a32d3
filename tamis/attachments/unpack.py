"""Streams unpacked piece by piece, within the budget of the message. Raises `Damaged`, `Bomb` or `Exhausted` only."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Final

from tamis import limits
from tamis.attachments.budget import Bomb, Budget

_ERRORS: Final = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError)
Octets = bytes | memoryview
_SUSPICIOUS_BYTES: Final = limits.MIB
"""Less is no bomb, whatever the ratio."""


class Damaged(Exception):
    """A stream that cannot be unpacked; the text says why."""


def inflate(data: Octets, budget: Budget) -> bytes:
    """Unpack one raw deflate stream (RFC 1951)."""
    return _unpack(data, budget, lambda: _Zlib(-15), several=False)


def gunzip(data: Octets, budget: Budget) -> bytes:
    """Unpack gzip, member after member (RFC 1952)."""
    return _unpack(data, budget, lambda: _Zlib(31))


def bunzip2(data: Octets, budget: Budget) -> bytes:
    return _unpack(data, budget, bz2.BZ2Decompressor)


def unxz(data: Octets, budget: Budget) -> bytes:
    return _unpack(data, budget, lambda: lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=limits.XZ_MEMORY))


class _Zlib:
    """zlib with the interface of the other two."""

    def __init__(self, bits: int) -> None:
        self._stream = zlib.decompressobj(bits)

    def decompress(self, data: Octets, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail or data, max_length)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data


def _unpack(data: Octets, budget: Budget, new: Callable[[], Any], several: bool = True) -> bytes:
    """Return what comes out. What is broken after a good beginning is returned as far as it goes."""
    pieces: list[bytes] = []
    total, at = 0, 0
    try:
        stream = new()
        while True:
            feed = data[at : at + budget.piece] if stream.needs_input else b""
            at += len(feed)
            piece = stream.decompress(feed, budget.piece)
            total += len(piece)
            pieces.append(piece)
            # Every step is paid for, also one that brings nothing.
            budget.take(len(piece))
            if total > _SUSPICIOUS_BYTES and total > limits.ARCHIVE_RATIO * len(data):
                raise Bomb(f"it expands to more than {limits.ARCHIVE_RATIO} times its size")
            if stream.eof:
                at -= len(stream.unused_data)
                if not several or at >= len(data):
                    break
                stream = new()
            elif not piece and stream.needs_input and at >= len(data):
                break
    except _ERRORS as error:
        if not total:
            raise Damaged(str(error) or type(error).__name__) from None
    return b"".join(pieces)
