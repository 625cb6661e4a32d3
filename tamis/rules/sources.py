"""Where an engine takes the rules from: commands from the rule files, workers from what the keeper made of them.

The keeper reads the files, and writes what is without mistakes into one file of the state directory. So a mistake is
said once, all workers have the same rules, and the last good ones outlive a restart.
"""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from tamis.changed_file import FileStamp, file_stamp
from tamis.config import Config
from tamis.publish import publish
from tamis.rules import reading
from tamis.rules.matching import Rules, version_of
from tamis.rules.rule import Rule

_FORMAT: Final = 1
PRELOADED: Final[dict[str, Rules]] = {}
"""The rules of this process's parent, by version, so that the workers share their memory."""


class KeptRulesError(ValueError):
    """The keeper's file cannot be read; the text says why in one line."""


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """The keeper's file."""

    format: int
    rules: dict[str, Rule]


class RuleSource(Protocol):
    """Says what the rules are."""

    def fresh(self) -> Rules | None:
        """Return the rules, None while they are what they were. Raises OSError, or ValueError with what is wrong."""
        ...


def rule_paths(names: Iterable[str]) -> list[Path]:
    """Return the rule files that names stand for: a folder stands for each file in it that ends in .toml."""
    found: list[Path] = []
    for name in names:
        path = Path(name)
        found += sorted(path.glob("*.toml")) if path.is_dir() else [path]
    return found


class RuleFiles:
    """The rules as they are in the files now."""

    def __init__(self, config: Config) -> None:
        self._settings = config.settings.rules
        self._taken: list[tuple[str, FileStamp | None]] | None = None

    def changed(self) -> bool:
        """Whether the files are others than when this was asked last; once each time, well-formed or not."""
        stamps = [(str(path), _stamp(path)) for path in self._paths()]
        changed, self._taken = stamps != self._taken, stamps
        return changed

    def fresh(self) -> Rules | None:
        return compiled(self.read()) if self.changed() else None

    def read(self) -> dict[str, Rule]:
        """Return the rules of all files. Raises `tamis.rules.reading.RulesError`."""
        return reading.read(reading.texts(self._paths()), self._shipped())

    def read_what_can_be(self) -> dict[str, Rule]:
        """Return the rules of those files that have no mistakes. Raises RulesError where none can be read."""
        paths = self._paths()
        while True:
            try:
                return reading.read(reading.texts(paths), self._shipped())
            except reading.RulesError as error:
                left = [path for path in paths if str(path) not in error.files()]
                if left == paths:
                    raise
                paths = left

    def origins(self) -> dict[str, str]:
        """Return the file that each rule is taken from, by its name; files that cannot be read are passed over."""
        found: dict[str, str] = {}
        for path in [*(reading.shipped_paths() if self._settings.shipped else ()), *self._paths()]:
            try:
                ((file, text),) = reading.texts([path])
                found |= dict.fromkeys(tomllib.loads(text).get("rule", {}), file)
            except (reading.RulesError, tomllib.TOMLDecodeError, TypeError):
                continue
        return found

    def _paths(self) -> list[Path]:
        return rule_paths(self._settings.files)

    def _shipped(self) -> list[tuple[str, str]]:
        return reading.texts(reading.shipped_paths()) if self._settings.shipped else []


def _stamp(path: Path) -> FileStamp | None:
    try:
        return file_stamp(path.stat())
    except OSError:
        return None


def kept_path(config: Config) -> Path:
    """Return where the keeper writes the rules in force and workers look for them."""
    return config.state_directory / "rules"


def write_kept(path: Path, rules: dict[str, Rule]) -> None:
    """Put rules in the place of those before them. Raises OSError. Only the one keeper does it."""
    publish(path, [msgspec.json.encode(_Kept(_FORMAT, rules))])


def compiled(rules: dict[str, Rule]) -> Rules:
    """Return compiled rules; those that were compiled before the fork are shared."""
    return PRELOADED.get(version_of(rules)) or Rules(rules)


def preload(config: Config) -> None:
    """Compile the rules in this process; its workers share them. Never raises: a worker that has none finds its own."""
    try:
        found = Rules(RuleFiles(config).read_what_can_be())
    except (OSError, ValueError):
        return
    PRELOADED.clear()
    PRELOADED[found.version] = found


class KeptRules:
    """The rules as the keeper has last written them; before it has, those of the files without mistakes."""

    def __init__(self, config: Config) -> None:
        self._files: RuleFiles | None = RuleFiles(config)
        self._path = kept_path(config)
        self._taken: FileStamp | None = None
        self._bad: tuple[FileStamp, str] | None = None

    def fresh(self) -> Rules | None:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            files, self._files = self._files, None
            return compiled(files.read_what_can_be()) if files else None
        with file:
            stamp = file_stamp(os.fstat(file.fileno()))
            if stamp == self._taken:
                return None
            if self._bad is not None and stamp == self._bad[0]:
                raise KeptRulesError(self._bad[1])
            try:
                kept = msgspec.json.decode(file.read(), type=_Kept)
                if kept.format != _FORMAT:
                    raise KeptRulesError("written by another version of Tamis")
                rules = compiled(kept.rules)
            except ValueError as error:
                self._bad = stamp, f"{self._path}: {error}"
                raise KeptRulesError(self._bad[1]) from None
        self._taken, self._files = stamp, None
        return rules
