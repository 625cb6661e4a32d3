"""The effective policy of an owner, each value with where it came from: as `tamis policy` and pages show it."""

import contextlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from tamis.config import Config
from tamis.directory import NO_DIRECTORY, Directory, DirectorySource
from tamis.policy import Layer, Policies
from tamis.policy_keys import KEYS, shown
from tamis.policy_store import PolicyEvent, PolicyStore
from tamis.policy_texts import NO_TEXTS, DatabaseTexts, PolicyTexts
from tamis.snapshot import SnapshotError

BUILT_IN: Final = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from. `where`: "default" (built in), "file" or "database"; `owner`: whose policy it is in;
    `line`: of the file; `by` and `at` (UTC): who set it in the database, and when."""

    where: str = BUILT_IN
    owner: str = ""
    line: str = ""
    by: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        if self.where != "database":
            return self.line or BUILT_IN
        said = f", set by {self.by} {self.at:%Y-%m-%d %H:%M} UTC" if self.at else ""
        return f"policy of {shown(self.owner)}{said}"


@dataclass(frozen=True, slots=True)
class Value:
    """An effective value, what is built in, and where it comes from."""

    key: str
    value: Any
    default: Any
    origin: Origin


def effective(config: Config, owner: str) -> list[Value]:
    """Return every effective value of an owner (`tamis.policy_keys.owner`), in the order of `KEYS`.

    Raises SQLAlchemyError.
    """
    store = PolicyStore(config.database_url)
    policies = Policies(config, DatabaseTexts(config), directory_of(config))
    layers = policies.layers(owner)
    latest = store.latest(layer.owner for layer in layers if layer.stored)
    policy, origins = policies.effective(owner), origins_of(layers, latest)
    return [Value(key.name, policy.value(key.name), key.default, origins[key.name]) for key in KEYS.values()]


class LivePolicies:
    """The policies as they are in the database now, for whoever is no worker; while it is away, the last good ones."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._texts, self._directory = DatabaseTexts(config), DirectorySource(config)
        self._known: tuple[PolicyTexts, Directory] = (NO_TEXTS, NO_DIRECTORY)
        self._policies = Policies(config)
        self._one_at_a_time = threading.Lock()

    def now(self) -> Policies:
        """Return them. Any thread may ask."""
        texts: PolicyTexts | None = None
        directory: Directory | None = None
        with self._one_at_a_time:
            with contextlib.suppress(SQLAlchemyError, OSError):
                texts = self._texts.fresh()
            with contextlib.suppress(OSError, SnapshotError):
                directory = self._directory.fresh()
            if texts is not None or directory is not None:
                self._known = (texts or self._known[0], directory or self._known[1])
                self._policies = Policies(self._config, *self._known)
            return self._policies


def directory_of(config: Config) -> Directory:
    """Return what the keeper has last read of domains and users; nothing where it has not, or may not be read."""
    try:
        return DirectorySource(config).fresh() or NO_DIRECTORY
    except (OSError, SnapshotError):
        return NO_DIRECTORY


def origins_of(layers: Iterable[Layer], latest: dict[tuple[str, str], PolicyEvent]) -> dict[str, Origin]:
    """Return where each key is set last; `latest` says who did, of what is in the database."""
    found = dict.fromkeys(KEYS, Origin())
    for layer in layers:
        for key in layer.chosen():
            line = layer.lines.get(key, "") if layer.lines is not None else ""
            if not layer.stored and line == BUILT_IN:
                continue
            event = latest.get((layer.owner, key)) if layer.stored else None
            found[key] = Origin(
                "database" if layer.stored else "file",
                layer.owner,
                line,
                event.by if event else "",
                event.at if event else None,
            )
    return found
