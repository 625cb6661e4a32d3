"""The side of the MTA in the milter protocol, as far as measuring wants it: messages go over the real socket."""

import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final

_VERSION: Final = 6
_ACTIONS: Final = 0x1FF
_STEPS: Final = 0x1FFFFF
_NO: Final = {b"C": 0x1, b"H": 0x2, b"M": 0x4, b"R": 0x8, b"B": 0x10, b"L": 0x20, b"N": 0x40, b"T": 0x200}
"""Steps that the milter does not want to hear of."""
_UNANSWERED: Final = {
    b"L": 0x80, b"C": 0x1000, b"H": 0x2000, b"M": 0x4000, b"R": 0x8000, b"T": 0x10000, b"N": 0x40000, b"B": 0x80000,
}  # fmt: skip
_LEADING_SPACE: Final = 0x100000
_CHUNK: Final = 65535
_FINAL: Final = b"cadrty"
"""Replies after which nothing more is said of a step: continue, accept, discard, reject, try again, a reply code."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message with its envelope; `header` and `body` have CRLF line ends."""

    peer: str
    rdns: str
    helo: str
    sender: str
    recipient: str
    header: Sequence[tuple[bytes, bytes]]
    body: bytes


class MilterClient:
    """One connection, as for one SMTP session."""

    def __init__(self, port: int, timeout: float = 60.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._unsent: list[bytes] = []
        self._say(b"O", struct.pack("!III", _VERSION, _ACTIONS, _STEPS))
        _, answer = self._hear()
        self._steps = struct.unpack("!III", answer[:12])[2]

    def __enter__(self) -> "MilterClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, _trace: TracebackType | None) -> None:
        if kind is None:
            self._say(b"Q")
            self._flush()
        self._file.close()
        self._socket.close()

    def send(self, letter: Letter) -> str:
        """Send a message; return what was said of it: a letter of the protocol, or a reply such as ``450 4.7.1 …``."""
        queue_id = f"{id(letter) & 0xFFFFFFFFFF:010X}"
        self._macros(b"C", j="mx.example.net", daemon_name="smtpd", v="Postfix 3.7.11")
        address = b"4" + struct.pack("!H", 40000) + letter.peer.encode() + b"\0"
        steps = [
            (b"C", (letter.rdns or f"[{letter.peer}]").encode() + b"\0" + address),
            (b"H", letter.helo.encode("utf-8", "replace") + b"\0"),
            (b"M", b"<" + letter.sender.encode("utf-8", "surrogateescape") + b">\0"),
            (b"R", b"<" + letter.recipient.encode() + b">\0"),
            (b"T", b""),
        ]
        for step, words in steps:
            if step == b"T":
                self._macros(b"T", i=queue_id)
            answer = self._step(step, words)
            if answer != "c":
                self._say(b"A")
                return answer
        space = b" " if self._steps & _LEADING_SPACE else b""
        for name, value in letter.header:
            self._step(b"L", name + b"\0" + (value if space else value.lstrip(b" ")) + b"\0")
        self._step(b"N")
        for start in range(0, len(letter.body), _CHUNK):
            self._step(b"B", letter.body[start : start + _CHUNK])
        self._macros(b"E", i=queue_id)
        return self._step(b"E")

    def _macros(self, step: bytes, **values: str) -> None:
        words = (f"{name if len(name) == 1 else '{' + name + '}'}\0{value}\0" for name, value in values.items())
        self._say(b"D", step + "".join(words).encode())

    def _step(self, step: bytes, words: bytes = b"") -> str:
        if self._steps & _NO.get(step, 0):
            return "c"
        self._say(step, words)
        if self._steps & _UNANSWERED.get(step, 0):
            return "c"
        for kind, answer in self._answers():
            if kind in _FINAL:
                return answer.rstrip(b"\0").decode("utf-8", "replace") if kind == b"y" else kind.decode()
        raise ConnectionError("the milter has gone")

    def _answers(self) -> Iterator[tuple[bytes, bytes]]:
        while True:
            yield self._hear()

    def _say(self, command: bytes, words: bytes = b"") -> None:
        self._unsent.append(struct.pack("!I", len(words) + 1) + command + words)

    def _flush(self) -> None:
        self._socket.sendall(b"".join(self._unsent))
        self._unsent.clear()

    def _hear(self) -> tuple[bytes, bytes]:
        self._flush()
        head = self._file.read(5)
        if len(head) < 5:
            raise ConnectionError("the milter has gone")
        size = struct.unpack("!I", head[:4])[0] - 1
        return head[4:], self._file.read(size)
