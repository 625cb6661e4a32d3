"""Reports of mailbox servers: files in a folder that the keeper takes up. Who moves mail may not reach the database.

A report is a file: one line, ``spam`` or ``ham``, a space and the name of the mailbox; then the message, of which the
first `limits.MESSAGE_BYTES` count. Its writer makes it under a name that begins with a dot, and then renames it, so
that the keeper sees it whole (`postfix/dovecot/tamis-report`). Who may write into the folder may report for every
mailbox: that is what its group is for. Whatever else is in a file, it is a stranger's mail.
"""

import logging
import os
import re
import stat
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tamis import faults, limits
from tamis.addresses import normalise_address
from tamis.learning.journal import Journal, Outcome
from tamis.learning.teaching import Lesson, Reporter, Source, lesson
from tamis.lists import BadEntry, recipient_domain

_log: Final = logging.getLogger("tamis")
_FIRST_LINE: Final = re.compile(rb"(spam|ham) ([^\s\x00-\x1f\x7f]{1,255})\r?\n")
_FIRST_LINE_BYTES: Final = 300
_UNFINISHED_SECONDS: Final = 3600.0
"""A file that is still being written after so long will never be finished."""


class BadReport(ValueError):
    """A file that is no report; the text says why."""


def reporter_of(name: str) -> Reporter:
    """Return who reports: a mailbox with its domain, or a user without one, for whom the platform learns."""
    address = normalise_address(name)
    try:
        domain = recipient_domain(address.rpartition("@")[2]) if "@" in address else ""
    except BadEntry:
        domain = ""
    return Reporter(address, Source.RECIPIENT, domain)


def read(folder: int, name: str) -> tuple[Reporter, Lesson]:
    """Read a report in an open folder. Raises BadReport for what is none, or OSError."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BadReport(error.strerror or str(error)) from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadReport("is no regular file")
        first = _FIRST_LINE.fullmatch(file.readline(_FIRST_LINE_BYTES))
        if first is None:
            raise BadReport("does not begin with a line 'spam NAME' or 'ham NAME'")
        raw = file.read(limits.MESSAGE_BYTES)
    if not raw.strip():
        raise BadReport("has no message")
    return reporter_of(first[2].decode("utf-8", "replace")), lesson(raw, first[1] == b"spam")


class ReportsTask:
    """Takes up what lies in the folder, and removes a file once the journal has what it says."""

    def __init__(self, folder: str, journal: Journal) -> None:
        self._folder = Path(folder)
        self._journal = journal

    def run(self) -> None:
        """Take up to `limits.REPORTS_AT_ONCE` reports up. Raises SQLAlchemyError or OSError: nothing is lost then."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._take_up(folder)
        finally:
            os.close(folder)

    def _take_up(self, folder: int) -> None:
        said: dict[Reporter, list[Lesson]] = defaultdict(list)
        names: dict[Reporter, list[str]] = defaultdict(list)
        for name in self._waiting(folder):
            try:
                reporter, one = read(folder, name)
            except BadReport as error:
                _log.warning("what lies among the reports is removed", extra={"fields": {"why": str(error)}})
                _remove(folder, name)
            except FileNotFoundError:
                continue
            else:
                said[reporter].append(one)
                names[reporter].append(name)
        faults.point("report.read")
        for reporter, lessons in said.items():
            outcomes = self._journal.learn(reporter, lessons)
            # Asked again after this, it would say that it is known.
            faults.point("report.learned")
            for name in names[reporter]:
                _remove(folder, name)
            if Outcome.TOO_MANY in outcomes:
                fields = {"by": reporter.by, "left_out": outcomes.count(Outcome.TOO_MANY)}
                _log.warning("a mailbox reports more than counts in a day", extra={"fields": fields})

    def _waiting(self, folder: int) -> Iterator[str]:
        """Yield the names of reports, the oldest first; remove what was never finished."""
        found: list[tuple[int, str]] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if entry.name.startswith("."):
                    if time.time() - status.st_mtime > _UNFINISHED_SECONDS:
                        _remove(folder, entry.name)
                elif not stat.S_ISDIR(status.st_mode):
                    found.append((status.st_mtime_ns, entry.name))
        for _, name in sorted(found)[: limits.REPORTS_AT_ONCE]:
            yield name


def _remove(folder: int, name: str) -> None:
    """Remove a file that is no folder."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
