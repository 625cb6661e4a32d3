"""Questions to the servers and replies from them: one thread, a few shared sockets, bounded tries.

Those who ask send their questions themselves; the thread takes the replies, and sends again what was lost: to the
next server that answers, over TCP where a reply was cut off, without EDNS where a server does not know it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import Final

from tamis.dns import tcp, wire
from tamis.dns.answer import Answer, Status
from tamis.dns.flight import Flight, Server
from tamis.dns.question import Question
from tamis.dns.servers import Address
from tamis.dns.sockets import Link, Sockets
from tamis.pool import Pool

_log = logging.getLogger("tamis")

_TCP_THREADS: Final = 8

_PROBE: Final = Flight(Question(".", "NS"))
"""What every resolver can answer at once: who serves the root?"""


class Transport:
    """Asks servers. `lock` guards everything here; `arrived` is called with it held, once for each flight."""

    def __init__(
        self,
        addresses: Sequence[Address],
        timeout: float,
        attempts: int,
        lock: threading.Lock,
        arrived: Callable[[Flight, Answer], None],
    ) -> None:
        self._servers = [Server(place, address, timeout) for place, address in enumerate(addresses)]
        self._timeout = timeout
        self._attempts = attempts
        self._lock = lock
        self._arrived = arrived
        self._sockets = Sockets()
        self._limits: deque[tuple[float, Flight, int, float]] = deque()
        """Until when a try may take, the try by its turn, and when it was sent: in the order of time."""
        self._outgoing: list[tuple[Link, bytes]] = []
        self._tcp = Pool(_TCP_THREADS, "dns-tcp")
        self._closing = False
        self._sleeps_until = inf
        self._thread = threading.Thread(target=self._run, name="dns", daemon=True)
        self._thread.start()

    def send(self, flights: Iterable[Flight]) -> None:
        """Ask; `arrived` is called sooner or later for each of them, here already where there is nobody to ask."""
        with self._at_work():
            now = time.monotonic()
            for flight in flights:
                self._try(flight, now)

    @property
    def out(self) -> int:
        """How many servers do not answer."""
        return sum(server.circuit.out for server in self._servers)

    def close(self) -> None:
        """Stop. What is on its way stays without an answer."""
        with self._lock:
            self._closing = True
        self._sockets.ring()
        self._thread.join()
        self._tcp.close()
        self._sockets.shut()

    def abandon(self) -> None:
        """Close what a process has inherited by fork: the thread is not in it."""
        self._sockets.shut()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Hold the lock; then send what is to be sent, and wake the thread where it has to be up earlier."""
        with self._lock:
            yield
            outgoing, self._outgoing = self._outgoing, []
            early = self._due() < self._sleeps_until
        self._transmit(outgoing)
        if early:
            self._sockets.ring()

    def _transmit(self, outgoing: list[tuple[Link, bytes]]) -> None:
        broken: dict[Link, str] = {}
        for link, octets in outgoing:
            try:
                link.socket.send(octets)
            except BlockingIOError:
                pass  # As good as lost on the way.
            except OSError as error:
                broken[link] = error.strerror or "cannot be sent to"
        if broken:
            with self._at_work():
                for link, why in broken.items():
                    self._break(link, time.monotonic(), why)

    # --- the thread

    def _run(self) -> None:
        while not self._closing:
            try:
                self._wait_and_work()
            except Exception:
                _log.exception("the DNS engine stumbled")
                time.sleep(0.1)

    def _wait_and_work(self) -> None:
        with self._lock:
            self._sleeps_until = self._due()
        ready = self._sockets.wait(self._sleeps_until - time.monotonic())
        with self._at_work():
            self._sleeps_until = -inf
            now = time.monotonic()
            for descriptor in ready:
                link = self._sockets.by_descriptor(descriptor)
                if link is not None:
                    self._receive(link, now)
            self._look_at_the_clock(now)

    def _due(self) -> float:
        """When there is something to do without any reply."""
        due = min((server.circuit.due for server in self._servers), default=inf)
        return min(due, self._limits[0][0]) if self._limits else due

    # --- all that follows: with the lock held. First, what is asked

    def _try(self, flight: Flight, now: float) -> None:
        """Ask the next server that is left, or end."""
        while flight.attempts < self._attempts:
            server = self._choose(flight)
            if server is None:
                break
            flight.attempts += 1
            if self._launch(flight, server, now):
                return
        self._end(flight, Answer(flight.status))

    def _choose(self, flight: Flight) -> Server | None:
        """The next after the server that was asked last, the first at first; those that failed are passed over."""
        count = len(self._servers)
        for step in range(1, count + 1):
            server = self._servers[(flight.server + step) % count]
            if not server.circuit.out and not flight.failed & 1 << server.place:
                return server
        return None

    def _launch(self, flight: Flight, server: Server, now: float) -> bool:
        link = server.link
        if link is None or link.worn(now):
            link = self._open(server, now)
            if link is None:
                return False
            old, server.link = server.link, link
            if old is not None:
                self._close_if_done(old)
        number = link.take(flight)
        flight.keys.append((link, number))
        flight.server = server.place
        flight.sent_at = now
        flight.turn += 1
        self._limits.append((now + self._timeout, flight, flight.turn, now))
        assert flight.question.wire is not None
        self._outgoing.append((link, wire.query(number, flight.question.wire, not flight.plain)))
        server.circuit.sent(now)
        return True

    def _open(self, server: Server, now: float) -> Link | None:
        try:
            return self._sockets.open(server, now)
        except OSError as error:
            self._refused(server, now, error.strerror or "cannot be reached")
            return None

    def _close_if_done(self, link: Link) -> None:
        """Close a socket that waits for nothing and will not be used again."""
        if link.open and not link.pending and link is not link.server.link:
            self._sockets.close(link)

    def _look_at_the_clock(self, now: float) -> None:
        """Try again what has taken too long, and look after the servers."""
        while self._limits:
            due, flight, turn, sent_at = self._limits[0]
            pending = flight.answer is None and flight.turn == turn
            if pending and due > now:
                break
            self._limits.popleft()
            if pending:
                server = self._servers[flight.server]
                if server.circuit.overdue(sent_at, now):
                    self._log_out(server, "does not answer")
                flight.status = Status.TIMEOUT
                self._try(flight, now)
        for server in self._servers:
            if server.circuit.due <= now and server.circuit.probe_due(now):
                self._probe(server, now)

    def _probe(self, server: Server, now: float) -> None:
        self._end_probe(server)
        server.probe = self._open(server, now)
        if server.probe is not None:
            number = server.probe.take(_PROBE)
            assert _PROBE.question.wire is not None
            self._outgoing.append((server.probe, wire.query(number, _PROBE.question.wire)))

    def _end_probe(self, server: Server) -> None:
        if server.probe is not None:
            self._sockets.close(server.probe)
            server.probe = None

    def _go_over_tcp(self, flight: Flight, server: Server, now: float) -> None:
        flight.turn += 1
        self._tcp.submit(self._ask_over_tcp, flight, server, now + self._timeout)

    def _ask_over_tcp(self, flight: Flight, server: Server, deadline: float) -> None:
        """Alone of these without the lock, in a thread of its own."""
        assert flight.question.wire is not None
        answer = tcp.ask(server.address, flight.question.wire, not flight.plain, deadline)
        if self._closing:
            return
        with self._at_work():
            if flight.answer is None:
                self._judge(flight, server, answer, time.monotonic())

    # --- then, what is answered

    def _receive(self, link: Link, now: float) -> None:
        try:
            for reply in link.received():
                self._take_reply(link, reply, now)
        except OSError as error:  # Nobody listens there, and the system has said so.
            self._break(link, now, error.strerror or "cannot be received from")

    def _take_reply(self, link: Link, reply: bytes, now: float) -> None:
        """Take a reply that fits a question sent through this socket; all else may come from anybody."""
        number = int.from_bytes(reply[:2], "big")
        flight = link.pending.get(number)
        if flight is None or flight.question.wire is None or not wire.is_reply_to(reply, flight.question.wire):
            return
        server = link.server
        if server.circuit.heard(now):
            _log.info("a DNS server answers again", extra={"fields": {"server": str(server.address)}})
        self._end_probe(server)
        if flight is _PROBE:
            return
        del link.pending[number]
        flight.keys.remove((link, number))
        if wire.is_truncated(reply):
            self._go_over_tcp(flight, server, now)
        elif wire.refuses_edns(reply) and not flight.plain:
            flight.plain = True
            if not self._launch(flight, server, now):
                self._try(flight, now)
        else:
            self._judge(flight, server, wire.answer(reply, flight.question.wire), now)
        self._close_if_done(link)

    def _judge(self, flight: Flight, server: Server, answer: Answer, now: float) -> None:
        """Take what a server said; one that failed is not asked again, and the next one is."""
        if answer.known:
            self._end(flight, answer)
            return
        flight.failed |= 1 << server.place
        flight.status = answer.status
        if flight.server == server.place:
            self._try(flight, now)

    def _end(self, flight: Flight, answer: Answer) -> None:
        """Give up all places where a reply might still arrive, and hand the answer over."""
        for link, number in flight.keys:
            del link.pending[number]
            self._close_if_done(link)
        flight.keys.clear()
        self._arrived(flight, answer)

    def _break(self, link: Link, now: float, why: str) -> None:
        """A socket cannot be used: nobody listens at its other end, or there is no way to it."""
        if not link.open:
            return
        server = link.server
        self._sockets.close(link)
        if link is server.probe:
            server.probe = None
        if link is server.link:
            server.link = None
        self._refused(server, now, why)
        for flight in dict.fromkeys(link.pending.values()):
            if flight is not _PROBE:
                flight.keys = [key for key in flight.keys if key[0] is not link]
                if flight.server == server.place:
                    self._try(flight, now)

    def _refused(self, server: Server, now: float, why: str) -> None:
        if server.circuit.refused(now):
            self._log_out(server, why)

    def _log_out(self, server: Server, why: str) -> None:
        _log.warning(
            "a DNS server is left alone until it answers", extra={"fields": {"server": str(server.address), "why": why}}
        )
