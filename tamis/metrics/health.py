"""What the keeper finds out about the daemon beside what its processes count: SQL, files, and whether mail is taken."""

import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from tamis.config import Config
from tamis.database import first_line
from tamis.history.journal import journal_folder, waiting
from tamis.list_store import ListStore
from tamis.metrics.shared import Collected
from tamis.quarantine.outbox import POSSIBLE_DUPLICATES
from tamis.quarantine.records import State
from tamis.quarantine.tables import COPY, COUNTER, OUTBOX
from tamis.snapshot import snapshot_path


@dataclass(frozen=True, slots=True)
class Found:
    """Gauges and counters, and why mail is not, or not fully, taken; empty where it is."""

    gauges: dict[str, float] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


def look(config: Config, store: ListStore) -> Found:
    """Ask the database and look at files; takes some milliseconds."""
    found = Found()
    _database(store, found)
    _files(config, found)
    return found


def _database(store: ListStore, found: Found) -> None:
    gauges = {"tamis_held": 0.0, "tamis_held_bytes": 0.0, "tamis_outbox": 0.0, "tamis_outbox_oldest_seconds": 0.0}
    duplicates = 0
    try:
        with store.read() as connection:
            if connection is not None and connection.dialect.has_table(connection, COPY.name):
                held = select(func.count(), func.coalesce(func.sum(COPY.c.size), 0))
                number, octets = connection.execute(held.where(COPY.c.state == State.HELD.value)).one()
                gauges |= {"tamis_held": float(number), "tamis_held_bytes": float(octets)}
                number, oldest = connection.execute(select(func.count(), func.min(OUTBOX.c.created_at))).one()
                now = datetime.now(UTC).replace(tzinfo=None)
                age = max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
                gauges |= {"tamis_outbox": float(number), "tamis_outbox_oldest_seconds": age}
                query = select(COUNTER.c.number).where(COUNTER.c.name == POSSIBLE_DUPLICATES)
                duplicates = int(connection.execute(query).scalar() or 0)
    except (SQLAlchemyError, OSError) as error:
        found.gauges["tamis_database_up"] = 0.0
        found.reasons.append(f"the database does not answer, so nothing can be held: {first_line(error)}")
        return
    found.gauges.update(gauges, tamis_database_up=1.0)
    found.counters["tamis_possible_duplicates_total"] = float(duplicates)


def _files(config: Config, found: Found) -> None:
    found.gauges["tamis_history_waiting_bytes"] = float(waiting(journal_folder(config))[1])
    try:
        found.gauges["tamis_snapshot_age_seconds"] = max(0.0, time.time() - snapshot_path(config).stat().st_mtime)
    except OSError:
        found.reasons.append("the lists have never been read")
    if not os.access(config.spool_folder if config.spool_folder.exists() else config.state_directory, os.W_OK):
        found.reasons.append("the spool cannot be written to, so nothing can be held")


def reasons_of_processes(collected: Collected) -> list[str]:
    """Return why mail is not taken as far as the daemon's processes tell."""
    found = []
    if not collected.alive["supervisor"]:
        found.append("there is no supervisor")
    if not collected.gauges.get("tamis_workers"):
        found.append("no worker serves")
    return found
