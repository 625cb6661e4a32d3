"""The virus scanners of a site: which there are in each stage, what their databases are, and whether any answers.

A scanner is one set of signatures; its endpoints serve the same set, and any of them will do. All scanners of a stage
are asked. SPEC, section 1, rows 1 and 24.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final

from tamis.redis_client import RedisClient
from tamis.scanners import clamd
from tamis.scanners.endpoint import Endpoint, TooLarge, Unanswered, parse_endpoint
from tamis.scanners.service import Service

if TYPE_CHECKING:
    from tamis.settings import AntivirusSection, ClamdSection

_log: Final = logging.getLogger("tamis")
_OUTAGE: Final = b"tamis:antivirus:out:"
_RECOVERY_SECONDS: Final = 5.0
_REMEMBERED_SECONDS: Final = 60
"""How long an outage is remembered that nobody says to last any more."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one scanner said of a message: the name of what it found, empty for nothing; or why it did not."""

    scanner: str
    virus: str = ""
    unanswered: str = ""
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Scanner:
    """One set of signatures. Longer messages than `max_bytes` are not sent to it."""

    name: str
    stage: int
    service: Service
    max_bytes: int

    def scan(self, size: int, pieces: Callable[[], Iterable[bytes]], deadline: float) -> Said:
        """Show it so many octets, from the start for each endpoint. Never raises."""
        if size > self.max_bytes:
            return Said(self.name, too_large=True)

        def question(endpoint: Endpoint, until: float) -> str:
            return clamd.scan(endpoint, pieces(), until)

        try:
            return Said(self.name, self.service.ask(question, deadline))
        except TooLarge:
            return Said(self.name, too_large=True)
        except (Unanswered, OSError) as error:
            return Said(self.name, unanswered=str(error))
        except Exception as error:  # A fault of ours must not look like a clean message.
            _log.exception("a scanner is not asked", extra={"fields": {"scanner": self.name}})
            return Said(self.name, unanswered=f"{type(error).__name__}: {error}")


class Antivirus:
    """The scanners in their stages. What it knows of them is this process's; how long an outage lasts, everybody's."""

    def __init__(
        self, sections: "Mapping[str, ClamdSection]", settings: "AntivirusSection", redis: RedisClient | None = None
    ) -> None:
        self._scanners = [
            Scanner(name, one.stage, Service(name, _endpoints(one.endpoints), clamd.version), one.max_bytes)
            for name, one in sections.items()
        ]
        self._settings = settings
        self._redis = redis or RedisClient()
        places = "\n".join(sorted(place for one in sections.values() for place in one.endpoints))
        self._key = _OUTAGE + hashlib.blake2b(places.encode(), digest_size=8).digest()
        self._others_out_for = 0.0
        self._said_out = False
        self._total_at = -inf

    def of_stage(self, stage: int) -> list[Scanner]:
        return [one for one in self._scanners if one.stage == stage]

    def signatures(self, stage: int) -> bytes | None:
        """What a verdict of a stage depends on besides the message: the databases, and the while it may stand.

        None where a database has no number to be told by: then no verdict can be kept. The number is that of ClamAV's
        own database alone; for the sake of others beside it no verdict stands longer than `cache_seconds`.
        """
        seconds = self._settings.cache_seconds
        versions = [(one.name, one.service.versions) for one in self.of_stage(stage)]
        if not seconds or not all(said and all(map(clamd.database, said)) for _, said in versions):
            return None
        return repr((versions, time.time() // seconds)).encode()

    @property
    def asks_again(self) -> bool:
        """Whether no scanner at all answers, and that for less than `defer_minutes`.

        And for a moment afterwards, while they come back one by one.
        """
        now, limit = time.monotonic(), 60 * self._settings.defer_minutes
        began = [one.service.out_since for one in self._scanners]
        since = [moment for moment in began if moment is not None]
        if not began or len(since) < len(began):
            return bool(limit and since) and now - self._total_at < _RECOVERY_SECONDS
        self._total_at = now
        return max(now - max(since), self._others_out_for) < limit

    def probe(self) -> None:
        """Ask each endpoint what it is, where that is due; called from time to time, and may take seconds."""
        before = self._out()
        for one in self._scanners:
            one.service.probe()
        if before > self._out():
            # What ends for one of them often ends for all.
            for one in self._scanners:
                one.service.probe_soon()
        out = bool(self._scanners) and self._out() == len(self._scanners)
        # A worker that is new has just begun to see an outage that others have seen for long.
        self._others_out_for = (self._redis.ask(self._still_out) or 0.0) if out else 0.0
        if self._said_out and not out:
            self._redis.ask(lambda server: server.delete(self._key))
        self._said_out = out

    def _out(self) -> int:
        return sum(one.service.out_since is not None for one in self._scanners)

    def _still_out(self, server: Any) -> float:
        """Return for how many seconds somebody has said that no scanner answers, and say so, too."""
        now = time.time()
        began = now if server.set(self._key, repr(now), nx=True, ex=_REMEMBERED_SECONDS) else server.get(self._key)
        server.expire(self._key, _REMEMBERED_SECONDS)
        with suppress(TypeError, ValueError):
            return max(0.0, now - float(began))
        return 0.0


def _endpoints(texts: Sequence[str]) -> list[Endpoint]:
    return [endpoint for endpoint in map(parse_endpoint, texts) if endpoint is not None]
