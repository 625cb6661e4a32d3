"""What the keeper does for row 7: learns from outgoing mail, writes weights into the file that workers map, forgets."""

import time
from typing import Final

from tamis.config import Config
from tamis.sent_journal import journal_folder
from tamis.sent_settling import Settling
from tamis.snapshot import weights_path
from tamis.snapshot_task import SnapshotTask
from tamis.tasks import Task
from tamis.weight_store import WeightStore
from tamis.weights import COMPLAINED_OF, LIST

_LOOK_SECONDS: Final = 1.0
_FORGET_SENT_SECONDS: Final = 600.0
_FORGET_SECONDS: Final = 6 * 3600.0
_REST: Final = 9.0
"""Writing takes a tenth of the time at most: outgoing mail may change weights all the time, and there may be many."""


def tasks(config: Config) -> list[Task]:
    """Return the tasks; called in the keeper's process."""
    store = WeightStore(config.database_url, config.settings.autowhitelist.half_life_days)
    snapshot = SnapshotTask(config, store, weights_path(config), {LIST, COMPLAINED_OF}, "weights of senders")
    rests_until = 0.0

    def write() -> None:
        nonlocal rests_until
        began = time.monotonic()
        if began >= rests_until:
            try:
                snapshot.run()
            finally:
                ended = time.monotonic()
                rests_until = ended + _REST * (ended - began)

    settling = Settling(config.database_url, journal_folder(config), config.settings.autowhitelist)
    return [
        Task("weights", _LOOK_SECONDS, write),
        Task("sent", _LOOK_SECONDS, settling.run),
        Task("forget sent", _FORGET_SENT_SECONDS, settling.forget),
        Task("forget senders", _FORGET_SECONDS, store.forget_faded),
    ]
