"""The tasks of the keeper, in one list."""

from typing import Final

from tamis import weight_tasks
from tamis.attachments import tasks as files
from tamis.config import Config
from tamis.directory_task import DirectoryTask
from tamis.history import tasks as history
from tamis.images import tasks as images
from tamis.learning import tasks as learning
from tamis.metrics import tasks as metrics
from tamis.policy_store import policies_task
from tamis.quarantine import tasks as quarantine
from tamis.rules.task import RulesTask
from tamis.scanners.rescan import Rescan
from tamis.snapshot_task import SnapshotTask
from tamis.tasks import Task

_RESCAN_SECONDS: Final = 2.0


def tasks(config: Config, redis_url: str) -> list[Task]:
    """Return what the keeper does; called in its process. `redis_url` is empty where there is no Redis."""
    return [
        Task("snapshot", 1.0, SnapshotTask(config).run, before_workers=True),
        Task("policies", 1.0, policies_task(config).run, before_workers=True),
        Task("rules", 1.0, RulesTask(config).run, before_workers=True),
        *weight_tasks.tasks(config),
        *images.tasks(config),
        *quarantine.tasks(config),
        *learning.tasks(config),
        *files.tasks(config, redis_url),
        *history.tasks(config),
        *metrics.tasks(config),
        *(
            [Task("directory", 1.0, DirectoryTask(config).run, before_workers=True)]
            if config.settings.directory.url
            else []
        ),
        Task("rescan", _RESCAN_SECONDS, Rescan(config).run),
    ]
