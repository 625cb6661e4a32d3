"""What telling people costs the keeper and the pages, with much held: `python -m benchmarks.notices [MESSAGES]`.

SQLite in a temporary folder; nobody is told anything, since there is no page. Times are medians of a few runs, of the
whole question, opening the file included.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from benchmarks.held_mail import fill
from tamis.destinations import Destination, Kind
from tamis.notice_tables import MAILBOX
from tamis.quarantine import digests, mailboxes, sender_notices
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.telling import Telling

_OCTETS = 1000
_RUNS = 5


def resolve(recipients: Iterable[str]) -> dict[str, Destination]:
    """Where nothing is an alias; postmap takes its own time."""
    return {one: Destination(Kind.MAILBOX, (one,)) for one in recipients}


def timed(work: Callable[[], object], runs: int = _RUNS) -> float:
    """Return the median of some runs, in milliseconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def until_nothing(work: Callable[[], int]) -> int:
    """Do something until it finds nothing more; return how much it was."""
    done = 0
    while some := work():
        done += some
    return done


def main(number: int) -> None:
    with TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/tamis.db", Spool(Path(folder) / "spool"))
        store.spool.prepare()
        fill(store, number, _OCTETS)
        lines: list[tuple[str, float]] = []

        def line(what: str, work: Callable[[], object], runs: int = _RUNS) -> None:
            lines.append((what, timed(work, runs)))

        def refresh() -> int:
            return mailboxes.refresh(store, resolve, "+")

        line("the mailboxes of all addresses, the first time", lambda: until_nothing(refresh), 1)
        line("again, where nothing is new", refresh)
        line("notices, where nothing waits", lambda: sender_notices.decide(store, lambda _: Telling.OFF, 0))
        line("letters that are due, none", sender_notices.queue(store).due)
        line(
            "all mailboxes' digests of a day, begun",
            lambda: until_nothing(lambda: digests.start(store, "2030-01-01")),
            1,
        )
        line("again, where all have theirs", lambda: digests.start(store, "2030-01-01"))
        with store.transaction() as connection:
            fullest = connection.execute(select(MAILBOX.c.mailbox).limit(1)).scalar_one()

        def page() -> None:
            with store.transaction() as connection:
                mailboxes.held_of_mailbox(connection, fullest, 51)

        line("a page of a mailbox", page)
        with store.transaction() as connection:
            boxes = len(connection.execute(select(MAILBOX.c.mailbox).distinct()).all())
        print(f"{number} messages held, {boxes} mailboxes; SQLite")
        for what, milliseconds in lines:
            print(f"{milliseconds:10.1f} ms  {what}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
