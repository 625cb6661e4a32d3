"""The UDP sockets of the engine, and the wait for something to arrive on one of them."""

import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tamis.dns.flight import Flight, Server

_LINK_QUESTIONS: Final = 64
_LINK_SECONDS: Final = 2.0
_DATAGRAM: Final = 4096
_REPLIES_AT_ONCE: Final = 64


class Link:
    """A UDP socket that is connected to one server, so that the system drops what others send to it.

    It is shared by some questions of some seconds. Then another takes its place, with another port: who wants to
    forge a reply has to guess that and the id, and has no time to find them out (RFC 5452, section 9.2).
    Raises OSError where the server cannot be reached.
    """

    __slots__ = ("descriptor", "expires", "left", "open", "pending", "server", "socket")

    def __init__(self, server: "Server", now: float) -> None:
        self.server = server
        self.pending: dict[int, Flight] = {}
        """The questions that were sent here, by their ids."""
        self.left = _LINK_QUESTIONS
        self.expires = now + _LINK_SECONDS
        host, port = server.address
        # For the zone of a link-local address.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
        family, kind, protocol, _, address = found[0]
        self.socket = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.open = True
        self.descriptor = self.socket.fileno()

    def worn(self, now: float) -> bool:
        return self.left <= 0 or now >= self.expires

    def take(self, flight: "Flight") -> int:
        """Wait for the reply to a question here; return the id it is sent with, which nobody can guess."""
        while (number := int.from_bytes(os.urandom(2), "big")) in self.pending:
            pass
        self.pending[number] = flight
        self.left -= 1
        return number

    def received(self) -> Iterator[bytes]:
        """Yield what has arrived, some of it. Raises OSError where nobody listens at the other end."""
        for _ in range(_REPLIES_AT_ONCE):
            if not self.open:
                return
            try:
                octets = self.socket.recv(_DATAGRAM)
            except BlockingIOError:
                return
            yield octets


class Sockets:
    """All open links of a process, and a bell by which another thread ends the wait."""

    def __init__(self) -> None:
        self._links: dict[int, Link] = {}
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)

    def open(self, server: "Server", now: float) -> Link:
        """Raises OSError where the server cannot be reached."""
        link = Link(server, now)
        self._links[link.descriptor] = link
        self._epoll.register(link.descriptor, select.EPOLLIN)
        return link

    def close(self, link: Link) -> None:
        """Close a link that is open."""
        link.open = False
        del self._links[link.descriptor]
        self._epoll.unregister(link.descriptor)  # Closing would do, but for processes that have inherited it.
        link.socket.close()

    def wait(self, seconds: float) -> list[int]:
        """Wait until something has arrived, or the bell was rung, at most `seconds`; return descriptors."""
        ready = self._epoll.poll(None if seconds == inf else max(0.0, seconds))
        return [descriptor for descriptor, _ in ready]

    def by_descriptor(self, descriptor: int) -> Link | None:
        """Return the link that has a descriptor now; the bell is none, and is silent again."""
        if descriptor == self._bell:
            with suppress(BlockingIOError):
                os.eventfd_read(self._bell)
        return self._links.get(descriptor)

    def ring(self) -> None:
        if self._bell >= 0:
            with suppress(BlockingIOError):  # Rung so often that nobody has listened yet.
                os.eventfd_write(self._bell, 1)

    def shut(self) -> None:
        """Close everything. In a child: what was inherited of the parent, which does not notice."""
        for link in self._links.values():
            link.open = False
            link.socket.close()
        self._links.clear()
        self._epoll.close()
        bell, self._bell = self._bell, -1
        os.close(bell)
