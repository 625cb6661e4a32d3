"""One message as it comes in, piece by piece: envelope, header fields, body."""

from tamis import limits
from tamis.message import Message


class Transaction:
    """Collects a message between MAIL and its end. Past `limits.MESSAGE_BYTES` octets are only counted."""

    def __init__(self, sender: str = "") -> None:
        self.sender = sender
        self.recipients: list[str] = []
        self.fields = 0
        """Header fields so far, beyond every cap."""
        # Octets one after the other: an object for each of a million tiny fields would take hundreds of MiB.
        self._header = bytearray()
        self._body = bytearray()
        self._names = bytearray()
        self._dropped = 0

    def add_header(self, name: str, value: bytes) -> None:
        """Add a field; `value` begins with whatever stood after the colon, its folds are kept."""
        self.fields += 1
        self._names += _line(name)
        self._keep(self._header, b"%s:%s\r\n" % (name.encode("utf-8", "surrogateescape"), value))

    def add_body(self, chunk: bytes) -> None:
        self._keep(self._body, chunk)

    def _keep(self, kept: bytearray, piece: bytes) -> None:
        room = limits.MESSAGE_BYTES - len(self._header) - len(self._body)
        kept += piece[:room]
        rest = piece[room:]
        self._dropped += len(rest) - rest.count(b"\r\n")

    def copies(self, name: str) -> int:
        """How many fields of that name the message has, beyond every cap."""
        return self._names.count(_line(name))

    def message(self) -> Message:
        """The message so far, with LF line ends as everywhere in Tamis."""
        raw = b"\r\n".join((self._header, self._body)).replace(b"\r\n", b"\n")
        if not self._dropped:
            return Message(raw)
        return Message(raw, size=max(len(raw) + self._dropped, limits.MESSAGE_BYTES + 1))


def _line(name: str) -> bytes:
    return b"\n%s\n" % name.strip().lower().encode("utf-8", "surrogateescape")
