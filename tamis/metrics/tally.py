"""What one worker counts: a few additions for each message, in memory; written to its file from time to time."""

import threading
from bisect import bisect_left
from collections import Counter
from typing import Final

from tamis.filters.order import ORDER
from tamis.metrics.names import SECONDS, sample
from tamis.record import Record, Refusal, Verdict

_ASKED, _CACHED, _HITS, _ABSTAINED, _ERRORS, _MILLISECONDS = range(6)
_NAMES: Final = ("asked", "cached", "hits", "abstained", "errors")


class Tally:
    """Counts what is decided. Any thread may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, list[float]] = {row.name: [0, 0, 0, 0, 0, 0.0] for row in ORDER if row.filter}
        self._messages: Counter[tuple[str, str]] = Counter()
        self._verdicts: Counter[tuple[str, str]] = Counter()
        self._decided: Counter[str] = Counter()
        self._buckets = [0] * (len(SECONDS) + 1)
        self._seconds = 0.0

    def concluded(self, record: Record, answer: str) -> None:
        """Count a message that was examined."""
        seconds = record.milliseconds / 1000
        with self._lock:
            for one in record.answers:
                row = self._rows[one.row.name]
                row[_ASKED] += 1
                row[_MILLISECONDS] += one.milliseconds
                if one.hits:
                    row[_HITS] += 1
                if one.cached:
                    row[_CACHED] += 1
                if one.abstained:
                    row[_ABSTAINED] += 1
                    row[_ERRORS] += one.error
            self._messages[record.mail.mail_class.value, answer] += 1
            self._buckets[bisect_left(SECONDS, seconds)] += 1
            self._seconds += seconds
            for verdict in [record.refusal] if record.refusal else record.verdicts:
                self._verdicts[_word(verdict), verdict.action] += 1
                if verdict.row:
                    self._decided[verdict.row.name] += 1

    def refused(self, refusal: Refusal) -> None:
        """Count a recipient who was refused for the moment."""
        with self._lock:
            self._verdicts["later", "refuse"] += 1
            self._decided[refusal.row.name] += 1

    def undecided(self, answer: str) -> None:
        """Count a message of which there is no record."""
        with self._lock:
            self._messages["unknown", answer] += 1

    def counters(self) -> dict[str, float]:
        """Return every sample that was ever counted."""
        with self._lock:
            found: dict[str, float] = {}
            for name, row in self._rows.items():
                if not row[_ASKED]:
                    continue
                for place, what in enumerate(_NAMES):
                    found[sample(f"tamis_filter_{what}_total", filter=name)] = row[place]
                found[sample("tamis_filter_seconds_total", filter=name)] = row[_MILLISECONDS] / 1000
            for (kind, answer), number in self._messages.items():
                found[sample("tamis_messages_total", **{"class": kind, "answer": answer})] = number
            for (verdict, action), number in self._verdicts.items():
                found[sample("tamis_verdicts_total", verdict=verdict, action=action)] = number
            for name, number in self._decided.items():
                found[sample("tamis_decided_total", filter=name)] = number
            total = 0
            for bound, number in zip((*map(str, SECONDS), "+Inf"), self._buckets, strict=True):
                total += number
                found[sample("tamis_message_seconds_bucket", le=bound)] = total
            found["tamis_message_seconds_sum"] = self._seconds
            found["tamis_message_seconds_count"] = total
            return found


def _word(verdict: Verdict) -> str:
    if not verdict.spam:
        return "ham"
    return "malware" if verdict.malware or verdict.action == "refuse" else "spam"
