"""What the keeper does for the history: takes up what workers left, and forgets what is old."""

from typing import Final

from tamis.config import Config
from tamis.history.journal import journal_folder
from tamis.history.store import HistoryStore
from tamis.tasks import Task

_LOOK_SECONDS: Final = 1.0
_FORGET_SECONDS: Final = 60.0


def tasks(config: Config) -> list[Task]:
    """Return the tasks; called in the keeper's process."""
    settings = config.settings.history
    store = HistoryStore(config.database_url)
    folder = journal_folder(config)
    return [
        Task("history", _LOOK_SECONDS, lambda: store.take_up(folder)),
        Task("forget history", _FORGET_SECONDS, lambda: store.forget(settings.days, settings.decisions)),
    ]
