"""The protocol of clamd: INSTREAM, PING and VERSION, in the form that ends each command with NUL (clamd(8)).

What a server says is bounded and taken for an answer only where it is one to the letter: a scanner that is broken must
not look like one that has found nothing.
"""

import struct
import time
from collections.abc import Iterable
from typing import Final

from tamis import limits
from tamis.scanners.endpoint import Connection, Endpoint, TooLarge, Unanswered

_CHUNK: Final = 64 * 1024
_PING_SECONDS: Final = 0.5
_CLEAN: Final = b"stream: OK\0"
_FOUND: Final = (b"stream: ", b" FOUND\0")
_LIMIT: Final = b"INSTREAM size limit exceeded"


def ping(endpoint: Endpoint, seconds: float = _PING_SECONDS) -> None:
    """Raise `Unanswered` where no clamd lives."""
    if _ask(endpoint, b"PING", seconds) != "PONG":
        raise Unanswered("is no clamd")


def version(endpoint: Endpoint, seconds: float = _PING_SECONDS) -> str:
    """Return what it says of itself: ``ClamAV 1.4.6/27800/Wed Nov 25 ...``, the number that of the database.

    Without a database of ClamAV's own there is neither number nor time. Raises `Unanswered`.
    """
    said = _ask(endpoint, b"VERSION", seconds)
    if not said.startswith("ClamAV "):
        raise Unanswered("is no clamd")
    return said


def database(said: str) -> str:
    """Return the part of a version that names the database, empty where it names none."""
    return said.partition("/")[2]


def scan(endpoint: Endpoint, octets: Iterable[bytes], deadline: float) -> str:
    """Return the name of what is found in a message, empty where there is nothing.

    Raises `Unanswered`, or `TooLarge` where the message is longer than its StreamMaxLength.
    """
    with Connection(endpoint, deadline, lambda: _still_there(endpoint)) as connection:
        try:
            connection.send(b"zINSTREAM\0")
            for piece in octets:
                for start in range(0, len(piece), _CHUNK):
                    chunk = piece[start : start + _CHUNK]
                    connection.send(struct.pack(">I", len(chunk)) + chunk)
            connection.send(bytes(4))
        except (BrokenPipeError, ConnectionResetError):
            pass  # It says why before it closes.
        return _verdict(connection.receive(limits.VIRUS_ANSWER_BYTES, b"\0"))


def _still_there(endpoint: Endpoint) -> None:
    try:
        ping(endpoint)
    except Unanswered as failure:
        raise Unanswered(f"says nothing, and to PING: {failure}") from None


def _verdict(said: bytes) -> str:
    if said == _CLEAN:
        return ""
    start, end = _FOUND
    one = said.endswith(b"\0") and said.count(b"\0") == 1
    if one and said.startswith(start) and said.endswith(end) and len(said) > len(start) + len(end):
        return _text(said[len(start) : -len(end)])[: limits.VIRUS_NAME_CHARS]
    if said.startswith(_LIMIT):
        raise TooLarge
    if not said.endswith(b"\0"):
        raise Unanswered("closed the connection without an answer")
    # An error with this message, of a server that is none the worse for it.
    raise Unanswered(f"says {_text(said[:-1])[: limits.VIRUS_NAME_CHARS]!r}", dead=False)


def _ask(endpoint: Endpoint, command: bytes, seconds: float) -> str:
    with Connection(endpoint, time.monotonic() + seconds) as connection:
        try:
            connection.send(b"z" + command + b"\0")
        except OSError as error:
            raise Unanswered(f"broken connection: {error.strerror or error}") from None
        said = connection.receive(limits.VIRUS_ANSWER_BYTES, b"\0")
    return _text(said.removesuffix(b"\0"))


def _text(said: bytes) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in said.decode("latin-1"))
