"""The keeper's task that scans what passed while no scanner answered, once one does.

What is found infected is said in the log, with all its recipients: it is in their mailboxes. Copies that are still held
become malware, which no sender releases.
"""

import contextlib
import logging
import time
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from tamis.config import Config
from tamis.database import first_line
from tamis.filters.antivirus_1 import FirstStage
from tamis.filters.antivirus_2 import SecondStage
from tamis.filters.order import BY_NAME
from tamis.policy import Policies
from tamis.policy_view import LivePolicies
from tamis.quarantine import transitions
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.scanners.antivirus import Antivirus, Said, Scanner
from tamis.scanners.row import AntivirusRow
from tamis.scanners.unscanned import Facts, Unscanned, read_facts, read_pieces

_log: Final = logging.getLogger("tamis")
_SECONDS: Final = 120.0
"""How long a scanner may take for one message here: clamd's own MaxScanTime."""
_TRIES: Final = 3
_OUT: Final = 100
"""So many messages whose scanners are all out end a run."""
_FILTERS: Final[dict[int, type[AntivirusRow]]] = {one.of_stage: one for one in (FirstStage, SecondStage)}


class Rescan:
    """Make one in the keeper's process; `run` from time to time."""

    def __init__(self, config: Config) -> None:
        settings = config.settings
        self._antivirus = Antivirus(settings.clamd, settings.antivirus)
        self._unscanned = Unscanned(config.unscanned_folder, 0)
        self._days = settings.antivirus.rescan_days
        self._policies = LivePolicies(config)
        self._options = Policies(config).for_domain("").options
        self._store = Store(config.database_url, Spool(config.spool_folder))
        self._tries: dict[str, int] = {}

    def run(self) -> None:
        """Scan what waits, as long as a scanner answers."""
        waiting = self._unscanned.waiting()
        if not waiting:
            return
        self._unscanned.sweep()
        self._options = self._policies.now().for_domain("").options
        self._antivirus.probe()
        clean = out = 0
        for path in waiting:
            if out >= _OUT:
                break
            try:
                facts = read_facts(path)
                said = self._scan(path, facts)
            except (OSError, msgspec.DecodeError) as error:
                _log.warning(
                    "what passed unscanned cannot be read", extra={"fields": {"file": path.name, "why": str(error)}}
                )
                self._done(path)
                continue
            infected = next((one for one in said if one.virus), None)
            if infected is None and (not said or any(one.unanswered for one in said)):
                out += self._try_later(path, facts, said)
                continue
            if infected is not None:
                self._report(facts, infected)
            clean += infected is None
            self._done(path)
        if clean:
            _log.info("what passed unscanned is clean", extra={"fields": {"messages": clean}})

    def _scan(self, path: Path, facts: Facts) -> list[Said]:
        return [self._ask(one, path) for one in self._scanners(facts)]

    def _ask(self, scanner: Scanner, path: Path) -> Said:
        said = scanner.scan(path.stat().st_size, partial(read_pieces, path), time.monotonic() + _SECONDS)
        options = self._options[_FILTERS[scanner.stage].name]
        assert isinstance(options, AntivirusRow.Options)
        guessed = any(fnmatchcase(said.virus, pattern) for pattern in options.score_only)
        return Said(scanner.name) if guessed else said

    def _try_later(self, path: Path, facts: Facts, said: list[Said]) -> bool:
        """Keep a message for another time, or give it up. Returns whether its scanners are out, not only late."""
        why = "; ".join(f"{one.scanner}: {one.unanswered}" for one in said if one.unanswered)
        out = all(one.service.out_since is not None for one in self._scanners(facts))
        self._tries[path.name] = self._tries.get(path.name, 0) + (not out)
        if self._tries[path.name] >= _TRIES or path.stat().st_mtime < time.time() - 86400 * self._days:
            _log.warning("what passed unscanned is never scanned", extra={"fields": {**_named(facts), "why": why}})
            self._done(path)
        return out

    def _report(self, facts: Facts, infected: Said) -> None:
        because = f"{infected.scanner} finds {infected.virus}, after it had passed unscanned"
        stage = next(one.stage for one in self._scanners(facts) if one.name == infected.scanner)
        row, known = BY_NAME[_FILTERS[stage].name], next(iter(_FILTERS[stage].tests))
        held: list[str] = []
        try:
            if self._store.exists():
                held = transitions.take_for_malware(self._store, facts.id, row, known, because)
        except SQLAlchemyError as error:
            _log.error(
                "held copies are not marked as malware", extra={"fields": {"id": facts.id, "why": first_line(error)}}
            )
        fields = {**_named(facts), "found": infected.virus, "scanner": infected.scanner, "held": held}
        _log.error("mail that passed unscanned is infected", extra={"fields": fields})

    def _scanners(self, facts: Facts) -> list[Scanner]:
        return [one for stage in facts.stages for one in self._antivirus.of_stage(stage)]

    def _done(self, path: Path) -> None:
        self._tries.pop(path.name, None)
        with contextlib.suppress(OSError):
            path.unlink()


def _named(facts: Facts) -> dict[str, object]:
    found = msgspec.structs.asdict(facts)
    del found["stages"]
    return found
