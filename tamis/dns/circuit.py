"""Whether a name server answers at all: one that does not is left alone until it does, and costs no message more.

A question that is not answered proves nothing: the servers of its domain may be dead, and a stranger chooses the
domain. So a server that has said nothing for half of the time it has is probed with a question that every resolver
knows the answer of. Only if that stays unanswered, too, the circuit opens. Then it is probed again and again, at
growing intervals, and any answer closes the circuit: no message waits to find out.
"""

from math import inf
from typing import Final

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_WATCH_SHARE: Final = 0.5
_PROBE_SHARE: Final = 0.4


class Circuit:
    """The state of one server. Times are monotonic seconds; `timeout` is how long it has to answer a question."""

    def __init__(self, timeout: float) -> None:
        self.out = False
        """The server is not to be asked."""
        self._timeout = timeout
        self._heard_at = -inf
        self._watched_since = inf
        self._probed_at: float | None = None
        self._probe_at = inf
        self._pause = _FIRST_PAUSE

    @property
    def due(self) -> float:
        """When `probe_due` is to be asked next."""
        return min(self._watched_since + self._timeout * _WATCH_SHARE, self._probe_at)

    def sent(self, now: float) -> None:
        """A question was sent."""
        if self._watched_since == inf:
            self._watched_since = now

    def heard(self, now: float) -> bool:
        """It answered something that was asked. Returns whether it was out."""
        was_out = self.out
        self.out = False
        self._heard_at = now
        self._probed_at = None
        self._probe_at = inf
        self._pause = _FIRST_PAUSE
        return was_out

    def overdue(self, sent_at: float, now: float) -> bool:
        """A question was not answered in time. Returns whether that opens the circuit."""
        if self.out or self._heard_at >= sent_at:
            return False
        if self._probed_at is not None and now - self._probed_at >= self._timeout * _PROBE_SHARE:
            self._open(now, now)
            return True
        if self._probed_at is None:
            self._probe_at = min(self._probe_at, now)
        return False

    def refused(self, now: float) -> bool:
        """Nothing can be sent there, or nobody listens. Returns whether that opens the circuit."""
        if self.out:
            return False
        self._open(now, now + self._pause)
        return True

    def _open(self, now: float, probe_at: float) -> None:
        self.out = True
        self._watched_since = inf
        self._probe_at = probe_at

    def probe_due(self, now: float) -> bool:
        """Whether a probe is to be sent now; it is taken for sent."""
        if now >= self._watched_since + self._timeout * _WATCH_SHARE:
            if self._heard_at < self._watched_since and self._probed_at is None:
                self._probe_at = min(self._probe_at, now)
            self._watched_since = inf
        if now < self._probe_at:
            return False
        if self._probed_at is None:
            self._probed_at = now
        self._probe_at = inf
        if self.out:
            self._probe_at = now + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return True
