"""The DNS engine of one worker: each question is asked once, whoever asks it, and its answer kept while it holds."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from math import inf
from typing import Final

from tamis import limits, turn
from tamis.dns.answer import INVALID, UNAVAILABLE, Answer, Status
from tamis.dns.flight import Flight, Waiter
from tamis.dns.memory import Memory
from tamis.dns.question import Question
from tamis.dns.servers import Address
from tamis.dns.shared import Entry, Shared
from tamis.dns.transport import Transport
from tamis.redis_client import RoundTrip

_log = logging.getLogger("tamis")

_UNSTORED: Final = 2000
_NEAR_SECONDS: Final = 0.003
"""A server that can answer within that is not farther than Redis, as far as some questions go."""
_FEW: Final = 8
"""So many questions cost a near server, and us, about what they cost with a round trip to Redis, which knows some."""
_FORGETS: Final = 1.02
"""By so much the quickest answer seems slower with each one that came later."""
_alive: "weakref.WeakSet[Resolver]" = weakref.WeakSet()


class Resolver:
    """Asks the given servers, in their order. Any thread may use it; a process that was forked starts anew.

    `timeout`: seconds for one try; `attempts`: tries for one question, on all servers together.
    """

    def __init__(
        self, servers: Sequence[Address], timeout: float = 1.0, attempts: int = 3, shared: Shared | None = None
    ) -> None:
        self._servers = tuple(servers)
        self._timeout = timeout
        self._attempts = attempts
        self._shared = shared
        self._begin()
        _alive.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._memory = Memory()
        self._in_flight: dict[bytes, Flight] = {}
        self._unstored: list[tuple[Question, Answer, float]] = []
        self._transport: Transport | None = None
        self._quickest = inf
        """How long a server takes that knows the answer: the least of lately, in seconds."""
        self.asked = self.sent = 0
        """Questions so far, and those of them that were neither known nor on their way."""

    @property
    def servers_out(self) -> int:
        """How many servers do not answer, and are left alone for now."""
        transport = self._transport
        return transport.out if transport is not None else 0

    def after_fork(self) -> None:
        """Forget the parent's sockets and questions."""
        if self._transport is not None:
            self._transport.abandon()
        self._begin()

    def start(self) -> None:
        """Make threads now, and not with the first question: there may be none to be had then."""
        self._transport_in_use()

    def ask(self, questions: Iterable[Question], trip: RoundTrip | None = None) -> list[Flight]:
        """Send what is not known yet and not on its way, and return at once, one flight for each question.

        Redis is asked first, but for few questions to a near server. With `trip` it is asked by that: nothing is
        sent before it is made, and it must be.
        """
        flights: list[Flight] = []
        fresh: list[Flight] = []
        with self._lock:
            now = time.monotonic()
            for question in questions:
                flight = self._known(question, now)
                if flight is None:
                    flight = self._in_flight[question.wire or b""] = Flight(question)
                    fresh.append(flight)
                flights.append(flight)
            self.asked += len(flights)
            self.sent += len(fresh)
        if fresh:
            self._send(fresh, trip)
        return flights

    def _known(self, question: Question, now: float) -> Flight | None:
        if question.wire is None:
            return Flight(question, INVALID)
        answer = self._memory.get(question.wire, now)
        if answer is not None:
            return Flight(question, answer)
        flight = self._in_flight.get(question.wire)
        if flight is None and len(self._in_flight) >= limits.DNS_IN_FLIGHT:
            return Flight(question, UNAVAILABLE)
        return flight

    def _send(self, fresh: list[Flight], trip: RoundTrip | None) -> None:
        shared = self._shared
        # A near server knows as well what others have asked of it.
        if shared is None or (trip is None and len(fresh) <= _FEW and self._quickest <= _NEAR_SECONDS):
            self._reach(fresh)
            return
        own = trip or shared.round_trip()
        command = shared.command([flight.question for flight in fresh])
        own.add([command], lambda replies: self._reach(fresh, shared, replies[0]))
        if trip is None:
            own.go()

    def _reach(self, fresh: list[Flight], shared: Shared | None = None, reply: object = None) -> None:
        """Take what Redis knows, and ask the servers for the rest."""
        try:
            if shared is not None:
                fresh = self._fetched(fresh, shared.read([flight.question for flight in fresh], reply))
            if fresh:
                self._transport_in_use().send(fresh)
        except Exception:  # No room for sockets or threads: nobody may wait for what was never sent.
            _log.exception("DNS questions could not be sent")
            with self._lock:
                for flight in fresh:
                    if flight.answer is None:
                        self._settle(flight, UNAVAILABLE, 0)

    def _transport_in_use(self) -> Transport:
        with self._lock:
            if self._transport is None:
                self._transport = Transport(self._servers, self._timeout, self._attempts, self._lock, self._arrived)
            return self._transport

    def _fetched(self, fresh: list[Flight], found: Sequence[Entry | None]) -> list[Flight]:
        """Take what Redis knows; return the rest."""
        with self._lock:
            for flight, entry in zip(fresh, found, strict=True):
                if entry is not None:
                    self._settle(flight, *entry)
        return [flight for flight, entry in zip(fresh, found, strict=True) if entry is None]

    def _arrived(self, flight: Flight, answer: Answer) -> None:
        """Take an answer of the servers. Called with the lock held."""
        known = answer.known
        if known and flight.attempts == 1:
            self._quickest = min(self._quickest * _FORGETS, time.monotonic() - flight.sent_at)
        elif answer.temporary:
            self._quickest = inf  # Until a server knows something again, Redis may know more.
        lifetime = answer.ttl if known else limits.DNS_ERROR_SECONDS
        if answer.status is Status.UNAVAILABLE:
            lifetime = 0  # That costs nothing to find out, and may end at any moment.
        self._settle(flight, answer, lifetime)
        if self._shared is not None and known and len(self._unstored) < _UNSTORED:
            self._unstored.append((flight.question, answer, time.time()))

    def _settle(self, flight: Flight, answer: Answer, lifetime: float) -> None:
        wire = flight.question.wire or b""
        flight.answer = answer
        self._in_flight.pop(wire, None)
        if lifetime > 0:
            self._memory.put(wire, answer, time.monotonic() + lifetime)
        for waiter in flight.waiters:
            waiter.one_less()

    def wait(self, flights: Iterable[Flight], deadline: float = inf) -> None:
        """Return when each has its answer, at the latest at `deadline` (monotonic seconds)."""
        with self._lock:
            missing = {flight for flight in flights if flight.answer is None}
            if not missing:
                return
            waiter = Waiter(len(missing))
            for flight in missing:
                flight.waiters.append(waiter)
        with turn.given():
            if waiter.gate.acquire(timeout=max(0.0, min(deadline - time.monotonic(), threading.TIMEOUT_MAX))):
                return
        with self._lock:
            for flight in missing:
                if flight.answer is None:
                    flight.waiters.remove(waiter)

    def flush(self, least: int = 1) -> None:
        """Store in Redis what has arrived since the last time, in one round trip, if it is so many answers."""
        if self._shared is None or len(self._unstored) < least:
            return
        with self._lock:
            unstored, self._unstored = self._unstored, []
        self._shared.remember(unstored)

    def close(self) -> None:
        """Stop the thread and close the sockets. Who still waits does so to the deadline; asking starts it anew."""
        with self._lock:
            transport, self._transport = self._transport, None
            self._in_flight.clear()
        if transport is not None:
            transport.close()


def _after_fork() -> None:
    for resolver in list(_alive):
        resolver.after_fork()


os.register_at_fork(after_in_child=_after_fork)
