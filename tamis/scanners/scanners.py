"""All scanners of a site, and what they say of one message.

They are waited for in threads of their own, so that the scanners of a message work side by side, and beside its other
filters (docs/decisions/0011). Each wait has its end, so no thread is lost to a scanner that says nothing.
"""

import time
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Final

from tamis import limits, turn
from tamis.mail import Mail
from tamis.pool import Pool
from tamis.redis_client import RedisClient
from tamis.scanners import shown
from tamis.scanners.antivirus import Antivirus, Said, Scanner
from tamis.scanners.endpoint import Unanswered
from tamis.scanners.spamassassin import SpamAssassin, spamassassin
from tamis.scanners.spamd import Judgement

if TYPE_CHECKING:
    from tamis.settings import Settings

_THREADS: Final = 64
_PROBE_SECONDS: Final = 1.0


class Scanners:
    """Those that are configured. Make it after fork."""

    def __init__(self, settings: "Settings", redis: RedisClient | None = None) -> None:
        self.antivirus = Antivirus(settings.clamd, settings.antivirus, redis)
        self.spamassassin: SpamAssassin | None = spamassassin(settings.spamd)
        self._probe: Future[None] | None = None
        self._probed_at = 0.0
        self._any = bool(settings.clamd) or self.spamassassin is not None
        self.pool = Pool(_THREADS if self._any else 0, "scan")

    def refresh(self) -> None:
        """Have the scanners asked what they are, and the dead ones whether they live; returns at once."""
        busy = self._probe is not None and not self._probe.done()
        if not self._any or busy or time.monotonic() - self._probed_at < _PROBE_SECONDS:
            return
        self._probed_at = time.monotonic()
        self._probe = self.pool.submit(self.probe)

    def probe(self) -> None:
        """The same, and wait for it."""
        self.antivirus.probe()
        if self.spamassassin is not None:
            self.spamassassin.service.probe()


class Scans:
    """What the scanners say of one message: each is asked once, whoever wants to know. For one thread."""

    def __init__(
        self, scanners: Scanners | None = None, mail: Mail | None = None, deadline: float = float("inf")
    ) -> None:
        self._scanners = scanners
        self._mail = mail
        self._deadline = min(deadline, time.monotonic() + limits.SCANNERS_SECONDS)
        self._stages: dict[int, list[tuple[Scanner, Future[Said]]]] = {}
        self._judgement: Future[Judgement] | None = None

    def start_antivirus(self, stage: int) -> None:
        """Show the message to the scanners of a stage, without waiting."""
        if stage not in self._stages and self._scanners is not None and self._mail is not None:
            pool, message = self._scanners.pool, self._mail.message
            self._stages[stage] = [
                (one, pool.submit(one.scan, message.size, partial(shown.pieces, message), self._deadline))
                for one in self._scanners.antivirus.of_stage(stage)
            ]

    def antivirus(self, stage: int) -> list[Said]:
        """Return what each scanner of a stage says, as soon as all have, or the time is over."""
        self.start_antivirus(stage)
        asked = self._stages.get(stage)
        if not asked:
            return []
        with turn.given():
            wait([future for _, future in asked], max(0.0, self._deadline - time.monotonic()))
        return [
            future.result() if future.done() else Said(one.name, unanswered="no answer in time")
            for one, future in asked
        ]

    def start_spamassassin(self) -> None:
        """Show the message to SpamAssassin, without waiting."""
        if self._judgement is None and self._scanners and self._scanners.spamassassin and self._mail is not None:
            self._judgement = self._scanners.pool.submit(self._scanners.spamassassin.judge, self._mail, self._deadline)

    def spamassassin(self) -> Judgement | None:
        """Return what SpamAssassin says, None where there is none. Raises `Unanswered` or `TooLarge`."""
        self.start_spamassassin()
        if self._judgement is None:
            return None
        try:
            with turn.given():
                return self._judgement.result(max(0.0, self._deadline - time.monotonic()))
        except TimeoutError:
            raise Unanswered("no answer in time", dead=False) from None
