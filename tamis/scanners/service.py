"""Several endpoints of one service, of which any will do: failover, and a circuit breaker for each.

An endpoint that is found dead is left alone. Whether it lives again is found out beside the messages (`probe`), at
growing intervals: no message waits to find out.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from tamis.scanners.endpoint import Endpoint, Unanswered

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 2.0
"""Short: a probe is cheap, and until it is known that a scanner is back, mail passes it by."""

T = TypeVar("T")


@dataclass(slots=True)
class _State:
    endpoint: Endpoint
    out: bool = False
    why: str = ""
    pause: float = _FIRST_PAUSE
    probe_at: float = 0.0
    said: str = ""
    """What it said of itself when it was probed last."""


class Service:
    """One service. `probe_with` asks an endpoint what it is, and raises `Unanswered` where it is dead.

    With `watched`, endpoints that live are probed as well: what they are may change.
    """

    def __init__(
        self, name: str, endpoints: Sequence[Endpoint], probe_with: Callable[[Endpoint], str], watched: bool = True
    ) -> None:
        self.name = name
        self._states = [_State(endpoint) for endpoint in endpoints]
        self._probe_with = probe_with
        self._watched = watched
        self._lock = threading.Lock()
        self.out_since: float | None = None
        """Since when no endpoint has answered, in monotonic seconds; None while one does, as far as is known."""

    def ask(self, question: Callable[[Endpoint, float], T], deadline: float) -> T:
        """Return what the first endpoint answers that does; what is left of the time is shared among those left.

        `question` is called with an endpoint and a deadline. Raises `Unanswered`, and whatever else `question` raises.
        """
        failures: list[str] = []
        candidates = [state for state in self._states if not state.out]
        for number, state in enumerate(candidates):
            now = time.monotonic()
            if now >= deadline:
                failures.append("no time left")
                break
            share = (deadline - now) / (len(candidates) - number)
            try:
                answer = question(state.endpoint, now + share)
            except Unanswered as failure:
                failures.append(f"{state.endpoint}: {failure}")
                if failure.dead:
                    self._fail(state, str(failure))
                continue
            self._succeed(state)
            return answer
        raise Unanswered("; ".join(failures) or self._why_out())

    def probe(self) -> None:
        """Ask each endpoint what it is, where that is due. May take a second for each that is dead."""
        for state in self._states:
            if time.monotonic() < state.probe_at if state.out else not self._watched:
                continue
            try:
                said = self._probe_with(state.endpoint)
            except Unanswered as failure:
                # One that is only late may be busy: messages will tell.
                if failure.dead or state.out:
                    self._fail(state, str(failure))
            else:
                state.said = said
                self._succeed(state)

    @property
    def versions(self) -> tuple[str, ...]:
        """What the endpoints that live said of themselves when they were probed last; empty for one that never was."""
        return tuple(state.said for state in self._states if not state.out)

    def probe_soon(self) -> None:
        """Have endpoints that are out probed the next time, whatever their pause."""
        for state in self._states:
            state.probe_at = 0.0

    def _why_out(self) -> str:
        return "; ".join(f"{state.endpoint}: {state.why}" for state in self._states)

    def _fail(self, state: _State, why: str) -> None:
        with self._lock:
            now = time.monotonic()
            state.pause = min(2 * state.pause, _LONGEST_PAUSE) if state.out else _FIRST_PAUSE
            state.out, state.why, state.probe_at = True, why, now + state.pause
            if self.out_since is None and all(one.out for one in self._states):
                self.out_since = now

    def _succeed(self, state: _State) -> None:
        with self._lock:
            state.out, state.why = False, ""
            self.out_since = None
