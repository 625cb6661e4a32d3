"""The classifier's model in force: the site's own, or the shipped one, with what the site has learned all the time.

Loaded once before fork, and read anew when it changes; what was learned is mapped from the keeper's file.
"""

import logging
import os
from pathlib import Path

from tamis.config import Config
from tamis.learning.published import PLATFORM, Learned, learned_path, read
from tamis.models.bayes import Model
from tamis.models.storage import SHIPPED_MODEL

_log = logging.getLogger("tamis")

Stamp = tuple[str, int, int, int]
"""Path, inode, time of change in nanoseconds, and size."""

PRELOADED: dict[Stamp, Model] = {}
"""Models loaded before fork, so that the workers share their memory."""


def model_path(config: Config) -> Path:
    """Return the model in force: the site's own where there is one that may be read, else the shipped one."""
    return config.site_model if os.access(config.site_model, os.R_OK) else SHIPPED_MODEL


def stamp_of(path: Path) -> Stamp:
    """Return what tells one state of a file from another. Raises OSError."""
    status = path.stat()
    return (str(path), status.st_ino, status.st_mtime_ns, status.st_size)


def model_in_force(config: Config) -> Model:
    """Return the model that workers score with, for a command. Raises OSError or ValueError."""
    model = Model.load(model_path(config))
    try:
        with learned_path(config).open("rb") as file:
            learned = read(file)
    except FileNotFoundError:
        return model
    return _with_learned(model, learned)


def _with_learned(model: Model, learned: Learned) -> Model:
    vectors = dict(learned.vectors)
    return model.taught(vectors.pop(PLATFORM), f"{model.version}+{learned.version}", vectors)


def preload_model(config: Config) -> None:
    """Load the model, to be shared by processes that are forked later.

    A site's model that cannot be used is said in the log. Raises OSError or ValueError only where not even the shipped
    one can be read.
    """
    path = model_path(config)
    try:
        stamp = stamp_of(path)
        model = PRELOADED.get(stamp) or Model.load(path)
    except (OSError, ValueError) as error:
        if PRELOADED:
            _log.error("model not read, the last good one stays: %s", error)
            return
        if path == SHIPPED_MODEL:
            raise
        # Damaged, or of the Tamis before an upgrade: mail must go on being filtered.
        _log.error("the site's model is not read, the shipped one is taken: %s", error)
        stamp, model = stamp_of(SHIPPED_MODEL), Model.load(SHIPPED_MODEL)
    else:
        if path == SHIPPED_MODEL and _is_there(config.site_model):
            _log.error("the site's model may not be read, the shipped one is taken: %s", config.site_model)
    PRELOADED.clear()
    PRELOADED[stamp] = model


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True


class ModelSource:
    """Says which model is in force; what is wrong with its files is said in the log, once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stamp: Stamp | None = None
        self._bad: Stamp | None = None
        self._base: Model | None = None
        self._learned: Learned | None = None
        self._learned_stamp: Stamp | None = None

    @property
    def written(self) -> float:
        """When the model in force was written, in seconds since 1970; 0 where none is."""
        return self._stamp[2] / 1e9 if self._stamp else 0.0

    def fresh(self, current: Model | None) -> Model | None:
        """Return another model than the current one, None while that is to stay."""
        base, learned = self._fresh_base(current), self._fresh_learned()
        if base is not None:
            self._base = base
        if self._base is None or (base is None and not learned):
            return None
        return self._base if self._learned is None else _with_learned(self._base, self._learned)

    def _fresh_base(self, current: Model | None) -> Model | None:
        stamp: Stamp | None = None
        try:
            path = model_path(self._config)
            stamp = stamp_of(path)
            if stamp in (self._stamp, self._bad):
                return None
            model = PRELOADED.get(stamp) or Model.load(path)
        except (OSError, ValueError) as error:
            _log.error("model not read, the last good one stays: %s", error)
            self._bad = stamp
            return None if current else next(iter(PRELOADED.values()), None)
        self._stamp = stamp
        return model

    def _fresh_learned(self) -> bool:
        """Take up what was learned, where that has changed; return whether it has."""
        path = learned_path(self._config)
        try:
            stamp: Stamp | None = stamp_of(path)
        except OSError:
            stamp = None
        if stamp is None or stamp == self._learned_stamp:
            return False
        self._learned_stamp = stamp
        try:
            with path.open("rb") as file:
                found = read(file)
        except (OSError, ValueError) as error:
            _log.error("what was learned is not read, the last good counts stay: %s", error)
            return False
        changed = self._learned is None or self._learned.version != found.version
        self._learned = found
        return changed
