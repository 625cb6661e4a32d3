"""A question on its way, those who wait for its answer, and the servers it is asked of."""

import threading
from math import inf

from tamis.dns.answer import Answer, Status
from tamis.dns.circuit import Circuit
from tamis.dns.question import Question
from tamis.dns.servers import Address
from tamis.dns.sockets import Link


class Waiter:
    """One thread that waits for a number of answers; it is woken once, by the last of them."""

    __slots__ = ("gate", "left")

    def __init__(self, left: int) -> None:
        self.left = left
        self.gate = threading.Lock()
        self.gate.acquire()

    def one_less(self) -> None:
        self.left -= 1
        if not self.left:
            self.gate.release()


class Flight:
    """A question that was asked; `answer` is None until it is there. All else is the engine's business."""

    __slots__ = (
        "answer",
        "attempts",
        "failed",
        "keys",
        "plain",
        "question",
        "sent_at",
        "server",
        "status",
        "turn",
        "waiters",
    )

    def __init__(self, question: Question, answer: Answer | None = None) -> None:
        self.question = question
        self.answer = answer
        if answer is not None:
            return
        self.waiters: list[Waiter] = []
        self.keys: list[tuple[Link, int]] = []
        """Where a reply to it may still arrive: sockets and ids."""
        self.attempts = 0
        self.sent_at = inf
        """When it was sent last (monotonic seconds)."""
        self.turn = 0
        """Counts whatever was done to get an answer, so that a time limit is known for that of an earlier try."""
        self.server = -1
        """The server that was asked last, by its place."""
        self.failed = 0
        """The servers that have failed on it, a bit for each."""
        self.plain = False
        """It is sent without EDNS, since a server refused that."""
        self.status = Status.UNAVAILABLE
        """What is said of it when nobody is left to ask."""


class Server:
    """A name server: its place among the others, whether it answers, and the sockets in use."""

    __slots__ = ("address", "circuit", "link", "place", "probe")

    def __init__(self, place: int, address: Address, timeout: float) -> None:
        self.place = place
        self.address = address
        self.circuit = Circuit(timeout)
        self.link: Link | None = None
        """What the next questions go through."""
        self.probe: Link | None = None
