"""Messages of a file taught to the classifier, for the console and for programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tamis import limits
from tamis.accounts import Account, Role
from tamis.learning.journal import Journal, Outcome
from tamis.learning.teaching import Lesson, Reporter, Source, lesson
from tamis.message import Message
from tamis.models.corpus import messages_in
from tamis.web.console.access import Console

_OF_MAIL: Final = ("from", "received", "subject", "date", "message-id")
"""A message has one of these fields; a picture has none."""


class NotTaught(ValueError):
    """Nothing is learned of a file; `why` is one of ``empty``, ``none`` (no mail in it) and ``many``."""

    def __init__(self, why: str) -> None:
        super().__init__(
            {"empty": "the file is empty", "none": "there is something in it that is no message"}.get(
                why, f"more than {limits.UPLOAD_MESSAGES} messages in one file"
            )
        )
        self.why = why


@dataclass(frozen=True, slots=True)
class TaughtFile:
    """What became of the messages of a file. `since`: undo what `by` said since then, and it is as it was before."""

    learned: int
    known: int
    left_out: int
    """More than an account may teach in a day."""
    by: str
    domain: str
    since: datetime


def teach_file(console: Console, octets: bytes, file_name: str, spam: bool, domain: str) -> TaughtFile:
    """Teach every message of a file for a domain, for the platform where it is empty; all of them or none.

    Raises `NotTaught`. Who asks must be known to manage the domain.
    """
    lessons = list(_lessons(octets, spam))
    # Whole seconds, which every database keeps.
    since = datetime.now(UTC).replace(microsecond=0)
    by, what = console.account.name, "spam" if spam else "ham"
    name = file_name.replace("\\", "/").rpartition("/")[2][:200] or "a file"
    console.audit(f"learn as {what} from a file", name, domain, f"{len(lessons)} messages")
    journal = Journal(console.house.config.database_url)
    outcomes = journal.learn(Reporter(by, Source.ADMINISTRATOR, domain), lessons, since, most_a_day(console.account))
    known, left_out = outcomes.count(Outcome.KNOWN), outcomes.count(Outcome.TOO_MANY)
    return TaughtFile(len(outcomes) - known - left_out, known, left_out, by, domain, since)


def most_a_day(account: Account) -> int | None:
    """Return how many messages an account may teach in a day; None for as many as the journal holds.

    Words of one domain must not push those of all others out of it.
    """
    return limits.LESSONS_A_DAY if account.role is Role.DOMAIN else None


def _lessons(octets: bytes, spam: bool) -> Iterator[Lesson]:
    if not octets.strip():
        raise NotTaught("empty")
    for number, raw in enumerate(messages_in(octets), 1):
        if number > limits.UPLOAD_MESSAGES:
            raise NotTaught("many")
        message = Message(raw)
        if not any(message.fields(name) for name in _OF_MAIL):
            raise NotTaught("none")
        yield lesson(raw, spam)
