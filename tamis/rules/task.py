"""The keeper's task that reads changed rule files, and writes what workers are to go by."""

import logging
from typing import Final

from tamis.config import Config
from tamis.rules.matching import Rules
from tamis.rules.reading import RulesError
from tamis.rules.rule import Rule
from tamis.rules.sources import RuleFiles, kept_path, write_kept

_log: Final = logging.getLogger("tamis")
_MOST_SAID: Final = 10
"""Mistakes said of one change."""


class RulesTask:
    """Looks at the files; a change that has a mistake is said once, and the rules before it stay."""

    def __init__(self, config: Config) -> None:
        self._files = RuleFiles(config)
        self._path = kept_path(config)
        self._waiting = True
        self._version = ""

    def run(self) -> None:
        """Take up changed files. Raises OSError where nothing can be written; it is then tried again."""
        self._waiting = self._files.changed() or self._waiting
        if self._waiting:
            rules = self._read()
            if rules is not None:
                self._write(rules)
            self._waiting = False

    def _read(self) -> dict[str, Rule] | None:
        try:
            return self._files.read()
        except RulesError as error:
            there = self._path.exists()
            stays = "the last good rules stay" if there else "its file is left out"
            for mistake in error.mistakes[:_MOST_SAID]:
                _log.error("a mistake in the rules, %s: %s", stays, mistake)
            return None if there else self._files.read_what_can_be()

    def _write(self, rules: dict[str, Rule]) -> None:
        version = Rules(rules).version
        write_kept(self._path, rules)
        if version != self._version:
            _log.info("rules in force", extra={"fields": {"rules": len(rules), "version": version}})
        self._version = version
