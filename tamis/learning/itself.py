"""Learning without anybody: off unless the site asks for it, and only where two independent sources agree.

A classifier that learns what it believes already learns its own errors. So it is never one of the sources, nor is a
rule of ours: spam is what two of the rows say that ask others, each about something else; ham is what the sender's
earned points let through (row 7: people spoke for the sender, and the message is authentic) while one of those rows,
asked, says nothing.

Workers write no SQL: each message is a small file of hashed features in a folder of the state directory, which the
keeper takes up. A file that is taken up twice, because the keeper died in between, changes nothing.
"""

import logging
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from tamis import limits
from tamis.config import Config
from tamis.filters.auto_whitelisted_sender import AutoWhitelistedSender
from tamis.filters.mail_checksum import MailChecksum
from tamis.filters.maps_rbl import MapsRbl
from tamis.filters.spamassassin import SpamAssassin
from tamis.filters.surbl import Surbl
from tamis.learning.journal import Journal
from tamis.learning.teaching import Lesson, Reporter, Source, packed, taught_by, unpacked
from tamis.record import Record

_log: Final = logging.getLogger("tamis")
REPORTER: Final = Reporter("itself", Source.SELF)
_SOURCES: Final = (MapsRbl.name, Surbl.name, MailChecksum.name, SpamAssassin.name)
"""Rows whose decisive hits are the word of others: about the peer, the links, the number of copies, the whole."""
_AGREE: Final = 2
_REST_SECONDS: Final = 10.0
"""What one process teaches at most: enough to fill the day, and nothing that costs a message much."""
_DONE: Final = ".lesson"


class _File(msgspec.Struct, array_like=True):
    digest: str
    spam: bool
    features: bytes


def folder_of(config: Config) -> Path:
    """Return where workers leave the files and the keeper looks for them."""
    return config.state_directory / "itself"


def label_of(record: Record) -> bool | None:
    """Return whether independent sources agree that a message is spam (True) or ham (False); None where they do not."""
    answers = [answer for answer in record.answers if answer.row.name in _SOURCES and not answer.abstained]
    against = sum(any(hit.decides for hit in answer.hits) for answer in answers)
    let_through = [bool(verdict.let_through) for verdict in record.verdicts]
    if against >= _AGREE and not any(let_through):
        return True
    earned = [verdict.row is not None and verdict.row.name == AutoWhitelistedSender.name for verdict in record.verdicts]
    if earned and all(earned) and answers and not any(answer.hits for answer in answers):
        return False
    return None


class Itself:
    """What one worker learns so. `note` may be called from any thread, and raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._not_before = 0.0

    def note(self, record: Record) -> None:
        """Leave a file of a message where sources agree about it, from time to time."""
        if time.monotonic() < self._not_before or record.mail.message.size_capped:
            return
        spam = label_of(record)
        if spam is None:
            return
        self._not_before = time.monotonic() + _REST_SECONDS
        one = taught_by(record.mail.message, spam)
        content = msgspec.msgpack.encode(_File(one.digest, spam, packed(one.features)))
        self._folder.mkdir(mode=0o700, exist_ok=True)
        new = self._folder / f"{record.mail.id}.{os.getpid()}"
        new.write_bytes(content)
        new.rename(new.with_suffix(_DONE))


class ItselfTask:
    """Takes up what workers have left, and removes a file once the journal has it."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._folder = folder
        self._journal = journal

    def run(self) -> None:
        """Take up to `limits.REPORTS_AT_ONCE` files up. Raises SQLAlchemyError or OSError: nothing is lost then."""
        if not self._folder.is_dir():
            return
        files = sorted(self._folder.glob(f"*{_DONE}"))[: limits.REPORTS_AT_ONCE]
        lessons = []
        for file in files:
            try:
                found = msgspec.msgpack.decode(file.read_bytes(), type=_File)
                lessons.append(Lesson(found.digest, found.spam, unpacked(found.features)))
            except (msgspec.DecodeError, ValueError) as error:
                _log.warning("what a worker learned cannot be read", extra={"fields": {"why": str(error)}})
        if lessons:
            self._journal.learn(REPORTER, lessons)
        for file in files:
            file.unlink(missing_ok=True)
