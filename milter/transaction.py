"""One message as it comes in, piece by piece: envelope, header fields, body; the octets as they came over the wire."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.message import Message
from tamis.quarantine.spool import Incoming, Spool

_BLANK_LINE: Final = b"\r\n"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO: the address as the MTA reads it, its ESMTP parameters, and the word that names it to the MTA."""

    address: str
    parameters: tuple[str, ...] = ()
    queued: str = ""


class Transaction:
    """Collects a message between MAIL and its end.

    The first `limits.IN_MEMORY_BYTES` are kept in memory; a larger message goes to an unfinished file of the spool
    as a whole. Where that fails, `limits.MESSAGE_BYTES` are kept for the filters, the rest is only counted, and the
    message cannot be held.
    """

    def __init__(self, spool: Spool | None, sender: str = "", parameters: tuple[str, ...] = ()) -> None:
        self.sender = sender
        self.parameters = parameters
        self.recipients: list[Recipient] = []
        self.failure: OSError | None = None
        self._spool = spool
        self._kept = bytearray()
        self._incoming: Incoming | None = None
        self._size = 0
        self._line_ends = 0
        self._in_body = False
        self.fields = 0
        """Header fields so far, beyond every cap."""
        # Octets one after the other: an object for each of a million tiny fields would take hundreds of MiB.
        self._names = bytearray()

    def add_header(self, name: str, value: bytes) -> None:
        """Add a field; `value` begins with whatever stood after the colon, its folds are kept."""
        self.fields += 1
        self._names += _line(name)
        self._add(b"%s:%s\r\n" % (name.encode("utf-8", "surrogateescape"), value.replace(b"\n", b"\r\n")))

    def add_body(self, chunk: bytes) -> None:
        self._end_header()
        self._add(chunk)

    def _end_header(self) -> None:
        if not self._in_body:
            self._in_body = True
            self._add(_BLANK_LINE)

    def _add(self, octets: bytes) -> None:
        self._size += len(octets)
        self._line_ends += octets.count(b"\r\n")
        if self._incoming is None and self.failure is None and self._size > limits.IN_MEMORY_BYTES and self._spool:
            self._move_to_spool(self._spool)
        if self._incoming is not None:
            try:
                self._incoming.write(octets)
            except OSError as error:
                self._fall_back(self._incoming, error)
            else:
                return
        self._kept += octets[: limits.MESSAGE_BYTES + 1 - len(self._kept)]

    def _move_to_spool(self, spool: Spool) -> None:
        incoming: Incoming | None = None
        try:
            incoming = spool.incoming()
            incoming.write(self._kept)
        except OSError as error:
            self.failure = error
            if incoming is not None:
                incoming.discard()
            return
        self._incoming = incoming
        self._kept = bytearray()

    def _fall_back(self, incoming: Incoming, error: OSError) -> None:
        """Go on without the file: what of it can be read back is what the filters see."""
        self.failure = error
        try:
            self._kept = bytearray(incoming.written(limits.MESSAGE_BYTES + 1))
        except OSError:
            self._kept = bytearray()
        self._incoming = None
        incoming.discard()

    def copies(self, name: str) -> int:
        """How many fields of that name the message has, beyond every cap."""
        return self._names.count(_line(name))

    def message(self) -> Message:
        """The message so far, with LF line ends as everywhere in Tamis. Raises `OSError` where it cannot be read."""
        self._end_header()
        start = bytes(self._kept) if self._incoming is None else self._incoming.written(limits.MESSAGE_BYTES)
        raw = start[: limits.MESSAGE_BYTES]
        if self._size <= limits.MESSAGE_BYTES:
            return Message(raw, size=len(raw) - raw.count(b"\r\n"))
        return Message(raw, max(self._size - self._line_ends, limits.MESSAGE_BYTES + 1), self._beyond)

    def _beyond(self) -> Iterator[bytes]:
        """Yield what lies beyond what the filters see. Raises `OSError` where it is not kept, or not any more."""
        incoming = self._incoming
        if incoming is None:
            raise OSError("the message is not kept as a whole")
        for start in range(limits.MESSAGE_BYTES, incoming.size, limits.MIB):
            yield incoming.written(limits.MIB, start)

    def incoming(self) -> Incoming:
        """The whole message as a file of the spool, stored. Raises `OSError`: then it cannot be held."""
        self._end_header()
        if self.failure is not None:
            raise self.failure
        if self._incoming is None:
            if self._spool is None:
                raise OSError("there is no spool")
            self._incoming = self._spool.incoming()
            self._incoming.write(self._kept)
        self._incoming.store()
        return self._incoming

    def close(self) -> None:
        """Give up what is not stored."""
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None


def _line(name: str) -> bytes:
    return b"\n%s\n" % name.strip().lower().encode("utf-8", "surrogateescape")
