"""The classifier's model in force: the site's own, or the shipped one; loaded once before fork, and read anew when it
changes."""

import logging
import os
from pathlib import Path

from tamis.config import Config
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
    """Says which model is in force; a bad one is said in the log, once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stamp: Stamp | None = None
        self._bad: Stamp | None = None

    @property
    def written(self) -> float:
        """When the model in force was written, in seconds since 1970; 0 where none is."""
        return self._stamp[2] / 1e9 if self._stamp else 0.0

    def fresh(self, current: Model | None) -> Model | None:
        """Return another model than the current one, None while that is to stay."""
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
