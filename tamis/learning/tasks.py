"""What the keeper does of what is learned: makes the counts that workers score with, takes up reports, forgets."""

import time
from datetime import UTC, date, datetime
from typing import Final

from tamis import faults
from tamis.config import Config
from tamis.learning.building import build
from tamis.learning.correction_task import CorrectionTask
from tamis.learning.itself import ItselfTask, folder_of
from tamis.learning.journal import Journal
from tamis.learning.published import learned_path, write
from tamis.learning.reports import ReportsTask
from tamis.learning.weighing import Rules
from tamis.model_source import Stamp, stamp_of
from tamis.tasks import Task

_LOOK_SECONDS: Final = 0.5
_LAYER_SECONDS: Final = 2.0
_ITSELF_SECONDS: Final = 2.0
_FORGET_SECONDS: Final = 6 * 3600.0


def rules_of(config: Config) -> Rules:
    """Return what the site has set."""
    settings = config.settings.learning
    return Rules(settings.half_life_days, settings.reporter_day, settings.reporter_total)


def tasks(config: Config) -> list[Task]:
    """Return the tasks; called in the keeper's process."""
    journal = Journal(config.database_url)
    rules = rules_of(config)

    def forget() -> None:
        journal.expire(rules.days)

    found = [
        Task("learned", _LOOK_SECONDS, LearnedTask(config, journal).run),
        Task("second layer", _LAYER_SECONDS, CorrectionTask(config).run),
        Task("forget learned", _FORGET_SECONDS, forget),
    ]
    if config.settings.learning.itself:
        found.append(Task("itself", _ITSELF_SECONDS, ItselfTask(folder_of(config), journal).run))
    if config.settings.learning.reports:
        found.append(Task("reports", _LOOK_SECONDS, ReportsTask(config.settings.learning.reports, journal).run))
    return found


class LearnedTask:
    """Makes the counts anew whenever the journal, or the day, is another than that of the file written last.

    The first time it always writes: a number alone does not tell a database from its own backup.
    """

    def __init__(self, config: Config, journal: Journal) -> None:
        self._journal = journal
        self._path = learned_path(config)
        self._rules = rules_of(config)
        self._teach_all = config.settings.learning.recipients_teach == "platform"
        self._written: tuple[int, date, Stamp] | None = None
        self._not_before = 0.0

    def run(self) -> None:
        """Write the file where it is not that of the journal. Raises SQLAlchemyError, OSError or ValueError."""
        began = time.monotonic()
        if began < self._not_before:
            return
        version, today = self._journal.version(), datetime.now(UTC).date()
        if version == 0:
            return  # Nothing was ever learned here; or the database is away, and the last good file stays.
        if self._written is not None and self._written == (version, today, self._stamp()):
            return
        with self._journal.reading() as reading:
            if reading is None:
                return
            vectors, lessons = build(reading, today, self._rules, self._teach_all)
        faults.point("learned.built")
        write(self._path, vectors, lessons)
        faults.point("learned.written")
        stamp = self._stamp()
        self._written = (version, today, stamp) if stamp else None
        # Half of the time at most: whoever has much to learn learns it in larger pieces.
        self._not_before = 2 * time.monotonic() - began

    def _stamp(self) -> Stamp | None:
        try:
            return stamp_of(self._path)
        except OSError:
            return None
