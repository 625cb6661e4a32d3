"""What is held, as the database has it, and the commands with which an administrator looks at it and lets it out."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing

from demo.outcome import Held, Outcome
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import RunningTamis

_QUERY = (
    "SELECT copy.id, message.queue_id, copy.recipient, copy.row, copy.row_name, copy.because "
    "FROM copy JOIN message ON message.id = copy.message_id WHERE copy.state = 'held'"
)


def held(tamis: RunningTamis) -> list[Held]:
    """Return every held copy."""
    file = tamis.folder / "state" / "tamis.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as database:
        return [Held(*row) for row in database.execute(_QUERY)]


def command(tamis: RunningTamis, *words: str) -> str:
    """Return what ``tamis quarantine`` prints, as an administrator sees it."""
    done = subprocess.run(
        [sys.executable, "-m", "tamis.cli", "quarantine", words[0], "-c", str(tamis.config), *words[1:]],
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )
    return f"$ tamis quarantine {' '.join(words)}\n{done.stdout}{done.stderr}"


def released(tamis: RunningTamis, postfix: PrivatePostfix, outcomes: Sequence[Outcome]) -> tuple[str, bool] | None:
    """Release one held copy: what the command says, and whether the octets that were sent arrived as they were.

    None where nothing is held.
    """
    first = next(((one, copy) for one in outcomes for copy in one.held), None)
    if first is None:
        return None
    outcome, copy = first
    before = postfix.delivered.count()
    said = command(tamis, "release", copy.id, "--by", "postmaster")
    postfix.wait_delivered(before + 1)
    sent = outcome.sample.message.replace(b"\r\n", b"\n").rstrip(b"\n")
    arrived = [delivery for delivery in postfix.delivered.all() if delivery.address == copy.recipient]
    return said, any(delivery.content.rstrip(b"\n").endswith(sent) for delivery in arrived)
