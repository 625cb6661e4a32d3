"""Where a scanner listens, and one connection to it that never waits past its time.

A scanner that is stopped still has its connections taken by the kernel, so silence alone tells nothing: after a moment
of it the caller's `doubt` is asked whether the server lives.
"""

import re
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from tamis.mail import parse_ip

CONNECT_SECONDS: Final = 1.0
DOUBT_SECONDS: Final = 1.0
"""So long a scanner may say nothing, and take nothing, before it is asked whether it lives."""
_RETRY_SECONDS: Final = 0.02

_INET: Final = re.compile(r"inet:([0-9]{1,5})@(\[[^\[\]]+\]|[^\[\]]+)")
_UNIX: Final = re.compile(r"unix:(/.{1,106})")


class Unanswered(Exception):
    """A scanner gave no answer; the text says why. `dead`: it is not to be asked again before it lives."""

    def __init__(self, why: str, dead: bool = True) -> None:
        super().__init__(why)
        self.dead = dead


class TooLarge(Exception):
    """The scanner takes no message of that size."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``unix:/path`` or ``inet:port@address``, as it was written; `parse_endpoint` makes it."""

    text: str
    family: socket.AddressFamily
    address: str | tuple[str, int]

    def __str__(self) -> str:
        return self.text


def parse_endpoint(text: str) -> Endpoint | None:
    """Return where a scanner listens, None for what says no such place."""
    unix = _UNIX.fullmatch(text)
    if unix:
        return Endpoint(text, socket.AF_UNIX, unix[1])
    inet = _INET.fullmatch(text)
    ip = parse_ip(inet[2].strip("[]")) if inet else None
    if inet is None or ip is None or not 0 < int(inet[1]) < 65536:
        return None
    return Endpoint(text, socket.AF_INET if ip.version == 4 else socket.AF_INET6, (str(ip), int(inet[1])))


class Connection:
    """One connection, for one question. Everything raises `Unanswered` by `deadline` (monotonic seconds) at the latest.

    `doubt` is called after a second of silence, and again after each further one: it raises `Unanswered` where the
    server is found dead.
    """

    def __init__(self, endpoint: Endpoint, deadline: float, doubt: Callable[[], object] = lambda: None) -> None:
        self._deadline = deadline
        self._doubt = doubt
        self._socket = socket.socket(endpoint.family, socket.SOCK_STREAM)
        try:
            self._connect(endpoint)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def _connect(self, endpoint: Endpoint) -> None:
        until = min(self._deadline, time.monotonic() + CONNECT_SECONDS)
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise Unanswered("no connection in time")
            self._socket.settimeout(left)
            try:
                self._socket.connect(endpoint.address)
            except BlockingIOError:  # A unix socket whose queue is full: many messages at once, or nobody takes them.
                time.sleep(min(_RETRY_SECONDS, left))
                continue
            except OSError as error:
                raise Unanswered(f"no connection: {error.strerror or error}") from None
            self._socket.setblocking(False)
            return

    def send(self, octets: bytes) -> None:
        """Send all of it. Raises `BrokenPipeError` or `ConnectionResetError` where the server takes no more."""
        left = memoryview(octets)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)
            except (BrokenPipeError, ConnectionResetError):
                raise
            except OSError as error:
                raise Unanswered(f"broken connection: {error.strerror or error}") from None

    def finish(self) -> None:
        """Say that nothing more is sent."""
        with suppress(OSError):  # It may have answered and gone already.
            self._socket.shutdown(socket.SHUT_WR)

    def receive(self, most: int, end: bytes = b"") -> bytes:
        """Return what is said, up to `end` with it, or until the server closes. More than `most` octets are a lie."""
        said = bytearray()
        while not (end and said.endswith(end)):
            try:
                octets = self._socket.recv(64 * 1024)
            except BlockingIOError:
                self._wait(select.POLLIN)
                continue
            except OSError as error:
                raise Unanswered(f"broken connection: {error.strerror or error}") from None
            if not octets:
                break
            said += octets
            if len(said) > most:
                raise Unanswered("says more than an answer can have")
        return bytes(said)

    def _wait(self, event: int) -> None:
        """Wait until something can be sent or read."""
        poll = select.poll()
        poll.register(self._socket, event)
        while True:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise Unanswered("no answer in time", dead=False)
            if poll.poll(1000 * min(left, DOUBT_SECONDS)):
                return
            if self._deadline - time.monotonic() > 0:
                self._doubt()
