"""Whether DNS lists behave: each is asked about an entry that it must have and one it must not (RFC 5782, section 5).

A list that was given up may list everything, or nothing; one that was sold, answers with advertising. Such a list has
no vote until it behaves again. Nor has one that was never heard: what is not known decides nothing.
"""

import enum
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from tamis.dns import Answer
from tamis.dns.flight import Flight
from tamis.dns.resolver import Resolver
from tamis.dns_lists import DnsList, Said
from tamis.dns_votes import answers_again, warn_of_refusal

_log: Final = logging.getLogger("tamis")

EVERY_SECONDS: Final = 3600.0
AGAIN_SECONDS: Final = 60.0
"""How soon they are tested again where one did not answer."""
FIRST_SECONDS: Final = 1.0
"""How long the first message waits for the first tests."""


class State(enum.StrEnum):
    """What is known of a list."""

    UNHEARD = "has not answered yet"
    GOOD = "behaves"
    LISTS_ALL = "lists what no list may list"
    NONSENSE = "answers what no DNS list answers"
    LISTS_NONE = "does not list its own test entry"
    REFUSES = "refuses to answer"


class DnsListTests:
    """The state of the lists of one process. `step` never waits; call it from time to time, from any one thread."""

    def __init__(
        self, lists: Sequence[DnsList], resolver: Resolver, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._states = dict.fromkeys(lists, State.UNHEARD)
        self._flights: list[tuple[DnsList, Flight, Flight]] = []
        self._due = clock()
        self.first = bool(lists)
        """Nothing is known yet."""

    def good(self) -> tuple[DnsList, ...]:
        """Return the lists that have a vote."""
        return tuple(one for one, state in self._states.items() if state is State.GOOD)

    def mute(self) -> tuple[DnsList, ...]:
        """Return the lists that have none."""
        return tuple(one for one, state in self._states.items() if state is not State.GOOD)

    def step(self) -> None:
        """Send the tests that are due, and take up what was answered."""
        if self._flights:
            if all(flight.answer is not None for _, *pair in self._flights for flight in pair):
                self._take_up()
        elif self._states and self._clock() >= self._due:
            questions = [question for one in self._states for question in one.tests()]
            flights = self._resolver.ask(questions)
            self._flights = list(zip(self._states, flights[::2], flights[1::2], strict=True))

    def wait(self) -> None:
        """Wait a while for the first tests; not for later ones."""
        self.step()
        waited_for = [flight for _, *pair in self._flights for flight in pair if flight.answer is None]
        if waited_for:
            self._resolver.wait(waited_for, time.monotonic() + FIRST_SECONDS)
        self.step()
        self.first = False

    def _take_up(self) -> None:
        unheard = False
        for one, listed, clean in self._flights:
            assert listed.answer is not None
            assert clean.answer is not None
            state = judge(one, listed.answer, clean.answer)
            if state is State.UNHEARD:
                # As before: its votes get no answer either.
                unheard = True
                continue
            self._change(one, state)
        self._flights = []
        self.first = False
        self._due = self._clock() + (AGAIN_SECONDS if unheard else EVERY_SECONDS)

    def _change(self, one: DnsList, state: State) -> None:
        before, self._states[one] = self._states[one], state
        fields = {"fields": {"list": one.name, "zone": one.zone, "why": str(state)}}
        if state is State.REFUSES:
            warn_of_refusal(one)
        elif state is State.GOOD:
            answers_again(one)
        elif state is not before:
            _log.error("a DNS list is not what it says it is, and has no vote", extra=fields)
        if state is State.GOOD and before not in (State.GOOD, State.UNHEARD):
            _log.warning("a DNS list behaves again, and has its vote back", extra=fields)


def judge(one: DnsList, listed: Answer, clean: Answer) -> State:
    """Return what the answers to a list's two tests say of it. Its codes do not matter here."""
    anything = DnsList(one.name, one.zone, one.kind)
    must, must_not = anything.reads(listed), anything.reads(clean)
    if Said.REFUSED in (must, must_not):
        return State.REFUSES
    if clean.records:
        return State.LISTS_ALL
    if listed.records and must is not Said.LISTED:
        return State.NONSENSE
    if must is Said.NOT_LISTED:
        return State.LISTS_NONE
    if must is Said.LISTED and must_not is Said.NOT_LISTED:
        return State.GOOD
    return State.UNHEARD
