"""What was found out about one message, and what it means for each recipient."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from tamis.attachments import Attachments
from tamis.authentication import Authentication
from tamis.authentication.header import summary
from tamis.contract import Hit
from tamis.filters.order import Row
from tamis.mail import Mail
from tamis.scanners.row import UNAVAILABLE


class Answer(msgspec.Struct):
    """What one row said: its hits, or why it abstained. `milliseconds` is wall-clock time."""

    row: Row
    hits: tuple[Hit, ...] = ()
    abstained: str = ""
    abstained_as: str = ""
    """The test printed for it, where it is not the row's own."""
    ask_again: bool = False
    """Whether the client may be asked to come back for the answer."""
    error: bool = False
    milliseconds: float = 0.0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one recipient's policy makes of a message.

    `score` and the weights of `tests` are thousandths of a score point, so that they add up exactly.
    `row` is the row that decided, None where none did; `let_through` the words for
    X-Icodia-SpamFilter-WL; `action` what is done: deliver, observe, tag, junk, hold, or refuse (outgoing mail).
    """

    recipient: str
    spam: bool
    action: str
    mode: str
    level: float
    score: int
    tests: tuple[tuple[str, int], ...]
    row: Row | None = None
    test: str = ""
    because: str = ""
    let_through: str = ""
    score_headers: bool = True
    """Whether the policy wants the headers of row 32."""
    tag: bool = False
    """Whether the policy also tags what it files as junk."""
    tag_redirections: bool = False
    """Whether the policy lets tagged spam go on to other hosts."""
    malware: bool = False
    """Whether a scanner decided: never released by the sender, no notice."""

    @property
    def tagged(self) -> bool:
        """Whether the subject is tagged."""
        return self.action == "tag" or (self.action == "junk" and self.tag)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one recipient is refused for the moment, with 4xx at RCPT: the row, its test and its ground."""

    row: Row
    test: str
    because: str


@dataclass(slots=True)
class Record:
    """Everything about one examined message. `verdicts` has one per recipient, none for outgoing mail.

    `refusal` is of outgoing mail that carries malware: its action is refuse, or observe under a default policy of
    that mode; None for all other mail. `traps` are the recipients that row 13 knows as traps, whichever row
    decided. `learn_as_spam` says that the message may be learned without anybody having looked at it: all its
    recipients are traps, whose policies want that, and nothing let it through.
    """

    mail: Mail
    answers: list[Answer] = field(default_factory=list)
    verdicts: Sequence[Verdict] = ()
    milliseconds: float = 0.0
    refusal: Verdict | None = None
    traps: frozenset[str] = frozenset()
    learn_as_spam: bool = False
    ask_again: str = ""
    """Why the client is asked to come back; empty where it is not."""
    authentication: Authentication | None = None
    """Who answers for the message; None of outgoing mail, which is not asked."""
    attachments: Attachments | None = None

    @property
    def unscanned(self) -> list[Answer]:
        """The rows about malware that could not answer for now."""
        return [answer for answer in self.answers if answer.abstained_as == UNAVAILABLE]

    @property
    def only_traps(self) -> bool:
        """Whether every recipient is a trap; a message that also has a real one teaches nothing (SPEC, row 13)."""
        return bool(self.mail.recipients) and self.traps.issuperset(self.mail.recipients)

    @property
    def leading(self) -> Verdict | None:
        """The verdict that stands for the message where one must: spam first, then the lowest level."""
        return leading(self.verdicts) if self.verdicts else None


def leading(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that stands for several: spam first, then the lowest level."""
    return min(verdicts, key=lambda verdict: (not verdict.spam, verdict.level))


@lru_cache(maxsize=4096)
def points(thousandths: int) -> str:
    """Print thousandths of a score point without needless zeros: ``0``, ``0.05``, ``-1.25``."""
    text = f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def as_json(record: Record) -> dict[str, Any]:
    """Return a record as plain data, for `tamis scan --json`."""
    mail = record.mail
    return {
        "id": mail.id,
        "class": mail.mail_class.value,
        "peer": str(mail.peer) if mail.peer else None,
        "rdns": mail.rdns,
        "helo": mail.helo,
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "size": mail.message.size,
        "milliseconds": round(record.milliseconds, 3),
        "verdicts": [_verdict_json(verdict) for verdict in record.verdicts],
        "refusal": _verdict_json(record.refusal) if record.refusal else None,
        "ask_again": record.ask_again or None,
        "authentication": summary(record.authentication) if record.authentication else None,
        "traps": sorted(record.traps),
        "learn_as_spam": record.learn_as_spam,
        "rows": [
            {
                "number": answer.row.number,
                "name": answer.row.name,
                "milliseconds": round(answer.milliseconds, 3),
                "cached": answer.cached,
                "abstained": answer.abstained or None,
                "error": answer.error,
                "hits": [{"test": hit.name, "because": hit.because, "decides": hit.decides} for hit in answer.hits],
            }
            for answer in record.answers
        ],
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "recipient": verdict.recipient,
        "verdict": "spam" if verdict.spam else "ham",
        "action": verdict.action,
        "mode": verdict.mode,
        "row": verdict.row.number if verdict.row else None,
        "name": verdict.row.name if verdict.row else None,
        "test": verdict.test or None,
        "because": verdict.because,
        "whitelisted": verdict.let_through or None,
        "score": verdict.score / 1000,
        "level": verdict.level,
        "tests": {name: weight / 1000 for name, weight in verdict.tests},
    }
