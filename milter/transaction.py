"""One message as it comes in, piece by piece: envelope, header fields, body."""

from collections import Counter

from tamis import limits
from tamis.message import Message


class Transaction:
    """Collects a message between MAIL and its end. Past `limits.MESSAGE_BYTES` octets are only counted."""

    def __init__(self, sender: str = "") -> None:
        self.sender = sender
        self.recipients: list[str] = []
        self._header: list[bytes] = []
        self._body: list[bytes] = []
        self._copies: Counter[str] = Counter()
        self._kept = 0
        self._dropped = 0

    def add_header(self, name: str, value: bytes) -> None:
        """Add a field; `value` begins with whatever stood after the colon, its folds are kept."""
        self._copies[name.strip().lower()] += 1
        self._keep(self._header, b"%s:%s\r\n" % (name.encode("utf-8", "surrogateescape"), value))

    def add_body(self, chunk: bytes) -> None:
        self._keep(self._body, chunk)

    def _keep(self, pieces: list[bytes], piece: bytes) -> None:
        room = limits.MESSAGE_BYTES - self._kept
        if len(piece) <= room:
            pieces.append(piece)
            self._kept += len(piece)
            return
        if room > 0:
            pieces.append(piece[:room])
            self._kept = limits.MESSAGE_BYTES
        rest = piece[room:]
        self._dropped += len(rest) - rest.count(b"\r\n")

    def copies(self, name: str) -> int:
        """How many fields of that name the message has, beyond every cap."""
        return self._copies[name.strip().lower()]

    def message(self) -> Message:
        """The message so far, with LF line ends as everywhere in Tamis."""
        raw = b"".join((*self._header, b"\r\n", *self._body)).replace(b"\r\n", b"\n")
        if not self._dropped:
            return Message(raw)
        return Message(raw, size=max(len(raw) + self._dropped, limits.MESSAGE_BYTES + 1))
