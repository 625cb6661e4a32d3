"""The tasks of the keeper, in one list."""

from tamis import weight_tasks
from tamis.config import Config
from tamis.quarantine import tasks as quarantine
from tamis.snapshot_task import SnapshotTask
from tamis.tasks import Task


def tasks(config: Config, redis_url: str) -> list[Task]:
    """Return what the keeper does; called in its process. `redis_url` is empty where there is no Redis."""
    lists = Task("snapshot", 1.0, SnapshotTask(config).run, before_workers=True)
    return [lists, *weight_tasks.tasks(config), *quarantine.tasks(config)]
