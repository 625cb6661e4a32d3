"""The history of decisions: what keeping one costs a worker, and how long searches take among as many as wanted."""

import argparse
import json
import random
import statistics as figures
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from benchmarks.databases import KINDS, database, octets, tidy
from tamis.config import Config
from tamis.database import open_database
from tamis.engine import Engine
from tamis.history.decided import Decided, decided
from tamis.history.journal import HistoryJournal
from tamis.history.queries import Sought, find
from tamis.history.store import HistoryStore
from tamis.mail import Mail, parse_ip
from tamis.message import Message
from tamis.settings import Settings

TIMES = 100
DAYS = 14
MAIL = (
    b"From: Ann Martin <ann@example.net>\nTo: bob@example.org\nSubject: Offer\nMessage-ID: <1@example.net>\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0100\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
    + b"<p>The quarterly figures are <a href='https://www.example.net/q'>here</a>. Best offer for you today.</p>\n"
    * 40
)


def of_worker() -> Decided:
    """What a worker keeps of one message, with the network off and all rows that are on by default."""
    engine = Engine(Config(Settings()), network=False)
    mail = Mail(Message(MAIL), parse_ip("192.0.2.7"), "mail.example.net", "mail.example.net", "ann@example.net",
                ["bob@example.org"])  # fmt: skip
    record = engine.examine(mail)
    with tempfile.TemporaryDirectory() as folder:
        journal = HistoryJournal(Path(folder) / "history", 10**9)
        took = []
        for _ in range(2000):
            began = time.perf_counter_ns()
            journal.note(decided(record, "250"))
            took.append((time.perf_counter_ns() - began) / 1000)
    kept = decided(record, "250")
    print(f"a worker keeps a decision in {figures.median(took):.0f} µs (95th percentile {sorted(took)[1900]:.0f} µs), "
          f"{len(msgspec.json.encode(kept))} octets: {len(kept.rows)} rows asked")  # fmt: skip
    return kept


def invented(like: Decided, number: int, count: int, chance: random.Random) -> Decided:
    """A decision some time in the last days: a few busy correspondents, and many who write once."""
    sender = f"s{int(chance.paretovariate(0.5)) % 200_000}@d{int(chance.paretovariate(0.6)) % 20_000}.example"
    recipient = f"u{chance.randrange(5000)}@h{int(chance.paretovariate(0.8)) % 200}.example"
    share = msgspec.structs.replace(like.shares[0], recipients=(recipient,), score=chance.randrange(-9000, 20000))
    if chance.random() < 0.4:
        share = msgspec.structs.replace(
            share, verdict="spam", action="hold", row=str(chance.choice((5, 10, 16, 23, 27))), name="row", test="TEST"
        )
    return msgspec.structs.replace(
        like,
        id=f"{chance.getrandbits(64):016x}",
        at=datetime.now(UTC).timestamp() - DAYS * 86400 * (1 - number / count),
        queue_id=f"4{chance.getrandbits(44):X}",
        header_id=f"<{chance.getrandbits(80):x}@d.example>",
        sender=sender,
        authors=(sender,),
        recipients=(recipient,),
        peer=f"198.51.{chance.randrange(256)}.{chance.randrange(256)}",
        shares=(share,),
    )


Question = tuple[str, Callable[[Connection], object]]


def questions(some: list[Decided]) -> Iterator[Question]:
    chance = random.Random(2)

    def asked(name: str, make: Callable[[Decided], Sought]) -> Question:
        return name, lambda connection: find(connection, make(chance.choice(some)), 50)

    yield asked("our id", lambda one: Sought(id=one.id))
    yield asked("any text: a Message-ID", lambda one: Sought(text=one.header_id))
    yield asked("any text: an address", lambda one: Sought(text=one.sender))
    yield asked("queue id", lambda one: Sought(queue_id=one.queue_id))
    yield asked("recipient", lambda one: Sought(recipient=one.recipients[0]))
    yield asked("recipient domain", lambda one: Sought(recipient=one.recipients[0].partition("@")[2]))
    yield asked("the busiest domain", lambda one: Sought(recipient="h1.example"))
    yield asked("sender and recipient domain", lambda one: Sought(sender=one.sender, recipient="h1.example"))
    yield asked("verdict, row and day", lambda one: Sought(
        verdict="spam", row="16", since=one.moment, until=one.moment + timedelta(days=1)))  # fmt: skip
    yield asked("nobody's address", lambda one: Sought(text=f"x{chance.random()}@example.org"))
    yield asked("the newest", lambda one: Sought())


def measure(kind: str, like: Decided, count: int, where: str) -> None:
    chance = random.Random(1)
    with database(kind, where) as (url, _):
        store = HistoryStore(url)
        some: list[Decided] = []
        began = time.perf_counter()
        for start in range(0, count, 200):
            batch = [invented(like, number, count, chance) for number in range(start, min(start + 200, count))]
            some.append(batch[0])
            store.add(batch)
        taken = time.perf_counter() - began
        engine = open_database(url)
        tidy(engine)
        print(f"\n{kind}: {count} decisions, written at {count / taken:.0f}/s (inventing them included), "
              f"{octets(engine) / count:.0f} octets each on the disk")  # fmt: skip
        with store.reading() as connection:
            assert connection is not None
            for name, ask in questions(some):
                took = []
                for _ in range(TIMES):
                    asked = time.perf_counter()
                    ask(connection)
                    took.append(1000 * (time.perf_counter() - asked))
                took.sort()
                print(f"  {name:<30} median {figures.median(took):7.2f} ms, 95th percentile {took[94]:7.2f} ms")
        began = time.perf_counter()
        gone = store.forget(DAYS - 1, 10**9)
        print(f"  forgotten: {gone} in {time.perf_counter() - began:.1f} s, in steps")
        engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--where", default="/tmp", help="a folder on the disk to measure")
    parser.add_argument("--databases", default=",".join(KINDS), help="which (default: all)")
    args = parser.parse_args()
    like = of_worker()
    print(json.dumps({"decisions": args.decisions}))
    for kind in args.databases.split(","):
        measure(kind, like, args.decisions, args.where)


if __name__ == "__main__":
    main()
