"""How long lists, searches and expiry take, and how much disk held mail takes, with as many messages as wanted."""

import argparse
import statistics as figures
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection

from benchmarks.databases import KINDS, database, new_store, octets, tidy, used
from benchmarks.held_mail import fill
from tamis.quarantine import statistics, transitions
from tamis.quarantine.queries import Found, Wanted, find
from tamis.quarantine.records import State
from tamis.quarantine.store import Store

HELD = (State.HELD,)
PAGE = 50
TIMES = 20

Question = tuple[str, Callable[[Connection], object]]


def questions(newest: list[Found]) -> Iterator[Question]:
    """Yield what is asked of the tables, with its name; `newest` are copies that are there."""
    middle = newest[len(newest) // 2]
    domain = middle.recipient.partition("@")[2]

    def asked(name: str, **wanted: object) -> Question:
        conditions = Wanted(states=HELD, **wanted)  # type: ignore[arg-type]
        return name, lambda connection: find(connection, conditions, PAGE)

    yield asked("list: the newest")
    yield "list: a page far back", lambda connection: find(connection, Wanted(states=HELD), PAGE, newest[-1].id)
    yield "list: in any state", lambda connection: find(connection, Wanted(), PAGE)
    yield asked("list: of an address", recipient=middle.recipient)
    yield asked("list: of a domain", domain=domain)
    yield asked("list: of a sender", sender=middle.sender)
    yield asked("search: a whole subject", text=middle.subject)
    yield asked("search: the middle of a sender", text=middle.sender[3:-4].upper())
    yield asked("search: a word of many subjects", text="offer")
    yield asked("search: what nobody wrote", text="qzxj")
    yield asked("search: the same, of usual letters", text="eetaoina")
    yield asked("search: two letters that nobody wrote", text="qz")
    yield asked("search: what nobody wrote, in a domain", domain=domain, text="qzxj")
    yield "stats: in all", statistics.amount
    yield "stats: each domain", statistics.amounts
    yield "stats: a domain", lambda connection: statistics.amount(connection, domain=domain)


def ask(store: Store, question: Callable[[Connection], object]) -> tuple[float, float]:
    """Return median and maximum of the milliseconds that a question takes, the connection included."""
    taken = []
    for _ in range(TIMES):
        start = time.perf_counter()
        with store.reading() as connection:
            assert connection is not None
            question(connection)
        taken.append(1000 * (time.perf_counter() - start))
    return figures.median(taken), max(taken)


def megabytes(number: int) -> str:
    return f"{number / 1e6:,.0f} MB"


def measure(url: str, spool: Path, number: int, size: int) -> None:
    """Print every figure of one database."""
    store = new_store(url, spool)
    start = time.perf_counter()
    fill(store, number, size)
    print(f"  made in {time.perf_counter() - start:.0f} s")
    tidy(store.engine())
    print(f"  disk: database {megabytes(octets(store.engine()))}, spool {megabytes(used(spool))}")
    with store.reading() as connection:
        assert connection is not None
        newest = find(connection, Wanted(states=HELD), min(number // 2, 20_000))
    for name, question in questions(newest):
        median, most = ask(store, question)
        print(f"  {name:<42} {median:7.1f} ms   (at most {most:.1f})")
    start = time.perf_counter()
    copies = transitions.expire(store, -1)
    seconds = time.perf_counter() - start
    print(f"  expiry of all {copies} copies: {seconds:.1f} s, {copies / seconds:,.0f} a second")
    tidy(store.engine())
    print(f"  disk: database {megabytes(octets(store.engine()))}, spool {megabytes(used(spool))}")
    start = time.perf_counter()
    transitions.forget(store, -1)
    print(f"  all of them forgotten: {time.perf_counter() - start:.1f} s")
    tidy(store.engine())
    print(f"  disk: database {megabytes(octets(store.engine()))}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quarantine_size", description=__doc__)
    parser.add_argument("-n", "--number", type=int, default=100_000, help="messages (default: 100000)")
    parser.add_argument("--size", type=int, default=10_000, help="octets of each (default: 10000)")
    parser.add_argument("--only", choices=KINDS, help="this database alone")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where, on the disk that is to be measured")
    args = parser.parse_args()
    for kind in [args.only] if args.only else KINDS:
        print(f"{kind}: {args.number} held messages of {args.size} octets")
        with database(kind, args.folder) as (url, spool):
            measure(url, spool, args.number, args.size)


if __name__ == "__main__":
    main()
