"""What the filters of one message ask of the DNS, within the budget of that message."""

import time
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from math import inf
from typing import Final, Protocol

from tamis import limits
from tamis.dns.answer import INVALID, OVER_BUDGET, TIMEOUT, UNAVAILABLE, Answer
from tamis.dns.flight import Flight
from tamis.dns.following import following
from tamis.dns.question import Question
from tamis.dns.resolver import Resolver
from tamis.redis_client import RoundTrip

_SLOW_SECONDS: Final = 0.1
"""Whoever waits longer for answers asks ahead what these lead to."""


class Dns(Protocol):
    """What a filter asks the DNS through."""

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Return an answer to each question, all asked at once. Never raises; may wait, within the budget."""


class NoDns:
    """For where there is no DNS: nothing is known."""

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        return [INVALID if question.wire is None else UNAVAILABLE for question in questions]


class Lookups:
    """The questions of one message. For one thread at a time.

    All waiting together is bounded by `limits.DNS_SECONDS`, and ends by `deadline` (monotonic seconds). What was
    asked once is answered alike from then on, also where it holds for no time (a TTL of 0).
    """

    def __init__(self, resolver: Resolver, deadline: float = inf) -> None:
        self._resolver = resolver
        self._deadline = deadline
        self._seconds = limits.DNS_SECONDS
        self._flights: dict[bytes, Flight] = {}
        self._followed: set[bytes] = set()
        self._guesses = limits.DNS_GUESSES

    def send(self, questions: Iterable[Question], trip: RoundTrip | None = None) -> None:
        """Ask ahead: send the questions and return at once. Of too many, the last are left out.

        With `trip` they are sent when that round trip is made, which it must be.
        """
        fresh: dict[bytes, Question] = {}
        for question in questions:
            wire = question.wire
            if wire is not None and wire not in self._flights:
                if len(self._flights) + len(fresh) >= limits.DNS_QUESTIONS:
                    break
                fresh[wire] = question
        if fresh:
            self._flights.update(zip(fresh, self._resolver.ask(fresh.values(), trip), strict=True))

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Return an answer to each question. Never raises.

        What has no answer within the budget is a timeout; what is asked beyond `limits.DNS_QUESTIONS` is not sent.
        """
        self.send(questions)
        flights = [self._flights.get(question.wire) if question.wire else None for question in questions]
        started = time.monotonic()
        waited_for = [flight for flight in flights if flight is not None and flight.answer is None]
        if waited_for and self._seconds > 0:
            self._resolver.wait(waited_for, min(started + self._seconds, self._deadline))
            waited = time.monotonic() - started
            self._seconds -= waited
            if waited > _SLOW_SECONDS:
                self._follow()
        return [_answer(question, flight) for question, flight in zip(questions, flights, strict=True)]

    def _follow(self) -> None:
        """Send what all answers that have come lead to: a message then waits for one chain, not for their sum."""
        arrived = {wire: flight for wire, flight in self._flights.items() if flight.answer is not None}
        new = [flight for wire, flight in arrived.items() if wire not in self._followed]
        self._followed |= arrived.keys()
        led_to = chain.from_iterable(following(one.question, one.answer) for one in new if one.answer is not None)
        guesses = list(islice(led_to, self._guesses))
        self._guesses -= len(guesses)
        self.send(guesses)


def _answer(question: Question, flight: Flight | None) -> Answer:
    if question.wire is None:
        return INVALID
    if flight is None:
        return OVER_BUDGET
    return flight.answer or TIMEOUT
