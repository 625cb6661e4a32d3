"""The tasks of the keeper, in one list."""

from tamis.config import Config
from tamis.images import tasks as images
from tamis.quarantine import tasks as quarantine
from tamis.rules.task import RulesTask
from tamis.snapshot_task import SnapshotTask
from tamis.tasks import Task


def tasks(config: Config, redis_url: str) -> list[Task]:
    """Return what the keeper does; called in its process. `redis_url` is empty where there is no Redis."""
    return [
        Task("snapshot", 1.0, SnapshotTask(config).run, before_workers=True),
        Task("rules", 1.0, RulesTask(config).run, before_workers=True),
        *images.tasks(config),
        *quarantine.tasks(config),
    ]
