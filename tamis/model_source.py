"""The classifier's model in force: the site's own, or the shipped one, with what the site has learned all the time.

Loaded once before fork, and read anew when it changes; what was learned is mapped from the keeper's files.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from tamis.config import Config
from tamis.learning import corrected, published
from tamis.learning.corrected import Corrected, corrected_path
from tamis.learning.published import PLATFORM, Learned, learned_path
from tamis.models.bayes import Model
from tamis.models.storage import SHIPPED_MODEL

_log = logging.getLogger("tamis")
_File = TypeVar("_File", Learned, Corrected)

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
    learned, layer = lessons_that_serve(config)
    return model if learned is None else with_lessons(model, learned, layer)


def lessons_that_serve(config: Config) -> tuple[Learned | None, Corrected | None]:
    """Return what the keeper wrote last; None where there is none. Raises OSError or ValueError."""
    return _read(learned_path(config), published.read), _read(corrected_path(config), corrected.read)


def _read(path: Path, read: Callable[[BinaryIO], _File]) -> _File | None:
    try:
        with path.open("rb") as file:
            return read(file)
    except FileNotFoundError:
        return None


def with_lessons(model: Model, learned: Learned, layer: Corrected | None) -> Model:
    """Return a model that scores with what was learned besides.

    A second layer that was made of other lessons than the counts serves all the same, and the model is stale; one that
    was made over another model does not.
    """
    vectors = dict(learned.vectors)
    version = f"{model.version}+{learned.version}"
    taught = model.taught(vectors.pop(PLATFORM), version, vectors)
    if layer is None or layer.made.model != model.version:
        taught.stale = True
        return taught
    stale = layer.made.lessons != learned.lessons
    return taught.corrected(layer.moved, f"{version}+{layer.made.version}", stale=stale)


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
        self._learned = _Published(learned_path(config), published.read, "the last good counts stay")
        self._layer = _Published(corrected_path(config), corrected.read, "the last good second layer stays")

    @property
    def written(self) -> float:
        """When the model in force was written, in seconds since 1970; 0 where none is."""
        return self._stamp[2] / 1e9 if self._stamp else 0.0

    def fresh(self, current: Model | None) -> Model | None:
        """Return another model than the current one, None while that is to stay."""
        base = self._fresh_base(current)
        changed = [self._learned.fresh(), self._layer.fresh()]
        if base is not None:
            self._base = base
        if self._base is None or (base is None and not any(changed)):
            return None
        learned = self._learned.found
        return self._base if learned is None else with_lessons(self._base, learned, self._layer.found)

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


class _Published(Generic[_File]):
    """A file that the keeper writes; `found` is the last that could be read."""

    def __init__(self, path: Path, read: Callable[[BinaryIO], _File], otherwise: str) -> None:
        self._path = path
        self._read: Callable[[BinaryIO], _File] = read
        self._otherwise = otherwise
        self._stamp: Stamp | None = None
        self.found: _File | None = None

    def fresh(self) -> bool:
        """Take the file up where it has changed; return whether it has. What is wrong with it is logged once."""
        try:
            stamp = stamp_of(self._path)
        except OSError:
            return False
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            with self._path.open("rb") as file:
                self.found = self._read(file)
        except (OSError, ValueError) as error:
            _log.error("what was learned is not read, %s: %s", self._otherwise, error)
            return False
        return True
