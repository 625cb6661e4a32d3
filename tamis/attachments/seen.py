"""Files as workers have seen them, on their way to the statistics: added up in memory, handed over through Redis.

No worker waits for the database: every few seconds each puts what it has added up into a list in Redis, from which the
keeper writes it down (`tamis.attachments.tasks`). What is in memory, or in Redis, when that ends is lost; so is the
oldest where nobody writes it down. Nothing but numbers depends on it.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tamis import limits
from tamis.attachments.attachments import Attachments
from tamis.attachments.files import File
from tamis.record import Record
from tamis.redis_client import RedisClient

KEY: Final = b"tamis:files"
_FLUSH_SECONDS: Final = 5.0
_SCANNERS: Final = ("1", "24", "26")
"""The rows whose verdict teaches the hypercube; its own would teach it what it knows."""


class Seen(msgspec.Struct, array_like=True):
    """One file, added up over some seconds. Times are seconds since 1970 UTC; `family` is that of malware."""

    digest: bytes
    size: int
    kind: str
    name: str
    runs: bool
    first: int
    last: int
    messages: int = 0
    recipients: int = 0
    ham: int = 0
    spam: int = 0
    malware: int = 0
    sketch: bytes = b""
    family: str = ""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Seen)


class SeenFiles:
    """What one process has seen. While Redis is away nothing is kept. May be used from any thread."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._pending: dict[bytes, Seen] = {}
        self._lock = threading.Lock()
        self._flush_at = 0.0

    def note(self, record: Record) -> None:
        """Add the files of an examined message, if any row has looked at them."""
        attachments = record.attachments
        if attachments is None:
            return
        outcome, family = _outcome(record)
        # What a scanner found teaches the hypercube, although no other row was asked.
        looked = attachments.files if family else attachments.known
        files = [file for file in looked if file.attached and file.digest][: limits.NOTED_FILES]
        if not files:
            return
        bad = _one_to_blame(attachments) if family else None
        sketches = attachments.sketches if family else attachments.sketches_made
        now = int(record.mail.now.timestamp())
        with self._lock:
            for file in {one.digest: one for one in files}.values():
                self._add(file, now, len(record.mail.recipients), outcome, sketches.get(file.digest, b""))
                if bad is not None and file.digest == bad.digest and file.digest in self._pending:
                    self._pending[file.digest].family = family

    def _add(self, file: File, now: int, recipients: int, outcome: str, sketch: bytes) -> None:
        seen = self._pending.get(file.digest)
        if seen is None:
            if len(self._pending) >= limits.PENDING_FILES:
                return
            runs = file.executable_like
            seen = Seen(file.digest, file.size, file.kind.value, file.name[:255], runs, now, now)
            self._pending[file.digest] = seen
        seen.last = max(seen.last, now)
        seen.messages += 1
        seen.recipients += recipients
        seen.sketch = seen.sketch or sketch
        setattr(seen, outcome, getattr(seen, outcome) + 1)

    def flush(self) -> None:
        """Hand over what was added up, at most every few seconds."""
        if not self._pending or time.monotonic() < self._flush_at:
            return
        self._flush_at = time.monotonic() + _FLUSH_SECONDS
        with self._lock:
            pending, self._pending = self._pending, {}
        packed = [_encoder.encode(seen) for seen in pending.values()]

        def push(server: Any) -> None:
            pipeline = server.pipeline(transaction=False)
            for start in range(0, len(packed), limits.FILES_AT_ONCE):
                pipeline.rpush(KEY, *packed[start : start + limits.FILES_AT_ONCE])
            pipeline.ltrim(KEY, -limits.WAITING_FILES, -1)
            pipeline.execute()

        self._redis.ask(push)


def give_back(redis: RedisClient, seen: Sequence[Seen]) -> None:
    """Put back what could not be written down, where it was."""
    packed = [_encoder.encode(one) for one in reversed(seen)]
    if packed:
        redis.ask(lambda server: server.lpush(KEY, *packed))


def take(redis: RedisClient) -> list[Seen]:
    """Take some of what waits in Redis: nobody else gets it."""
    found = redis.ask(lambda server: server.lpop(KEY, limits.FILES_AT_ONCE))
    seen = []
    for octets in found if isinstance(found, list) else ():
        try:
            seen.append(_decoder.decode(octets))
        except (msgspec.DecodeError, TypeError):  # Of another version.
            continue
    return seen


def _outcome(record: Record) -> tuple[str, str]:
    """Return what the message was, and the family that a scanner or the list of malware found in it."""
    verdicts = [record.refusal] if record.refusal else list(record.verdicts)
    for verdict in verdicts:
        if verdict.row is not None and (verdict.malware or record.refusal):
            teaches = verdict.row.number in _SCANNERS
            return "malware", f"{verdict.row.name}: {verdict.because}"[:80] if teaches else ""
    return ("spam" if any(verdict.spam for verdict in verdicts) else "ham"), ""


def _one_to_blame(attachments: Attachments) -> File | None:
    """Return the one file that can have been the malware, None where it may have been one of several."""
    sketched = {file.digest: file for file in attachments.known if file.digest in attachments.sketches}
    return next(iter(sketched.values())) if len(sketched) == 1 else None
