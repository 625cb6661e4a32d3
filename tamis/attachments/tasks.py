"""What the keeper does for files: writes down what workers have seen, and what they are to know."""

import time
from typing import Final

from tamis import limits
from tamis.attachments.known_file import known_path, write
from tamis.attachments.seen import give_back, take
from tamis.attachments.store import FileStore
from tamis.config import Config
from tamis.redis_client import RedisClient
from tamis.tasks import Task

_EVERY_SECONDS: Final = 2.0
_REST_SECONDS: Final = 60.0
"""How long what mail taught waits until workers know it; what people taught does not wait."""
_FORGET_SECONDS: Final = 1800.0


def tasks(config: Config, redis_url: str) -> list[Task]:
    """Return the tasks; called in the keeper's process."""
    store = FileStore(config.database_url)
    writer = _Writer(config, store)
    redis = RedisClient(redis_url, max(2.0, config.settings.redis.timeout_seconds)) if redis_url else None

    def run() -> None:
        if redis is not None:
            _write_down(store, redis)
        writer.run()

    def forget() -> None:
        if store.versions() != (0, 0):
            store.forget(config.settings.attachments.days)

    return [Task("files", _EVERY_SECONDS, run), Task("files-forget", _FORGET_SECONDS, forget)]


def _write_down(store: FileStore, redis: RedisClient) -> None:
    """Take all that waits. What the database does not take waits on."""
    for _ in range(limits.WAITING_FILES // limits.FILES_AT_ONCE):
        seen = take(redis)
        if not seen:
            return
        try:
            store.record(seen)
        except Exception:
            give_back(redis, seen)
            raise


class _Writer:
    """Writes what workers are to know when it has changed: at once where a person changed it, else now and then."""

    def __init__(self, config: Config, store: FileStore) -> None:
        self._store = store
        self._path = known_path(config)
        self._written: tuple[int, int] | None = None
        self._not_before = 0.0

    def run(self) -> None:
        versions = self._store.versions()
        # A database that knows nothing is rather away than empty: the last good file stays.
        if versions in (self._written, (0, 0)):
            return
        taught = self._written is None or versions[1] != self._written[1]
        if not taught and time.monotonic() < self._not_before:
            return
        write(self._path, self._store.columns())
        self._written = versions
        self._not_before = time.monotonic() + _REST_SECONDS
