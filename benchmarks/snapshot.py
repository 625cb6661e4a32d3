"""What lists of many entries cost: to be written by the keeper, opened by a worker, asked, and kept in memory.

    .venv/bin/python benchmarks/snapshot.py [ENTRIES ...]

Half of the entries are addresses, half are senders, as `tamis list` keeps them, in an SQLite file in a temporary
folder. Every measurement is made in a process of its own, four workers at once. Times are those of the processor,
but for the first; memory is what a process shares with no other. Prints one table; takes a minute or two.
"""

import argparse
import ipaddress
import multiprocessing
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tamis.config import Config, parse
from tamis.list_sources import DatabaseLists, SnapshotLists
from tamis.list_store import ListStore
from tamis.lists import ListName, Lists
from tamis.snapshot import snapshot_path
from tamis.snapshot_task import SnapshotTask

WORKERS = 4
ASKED = 5000
MEBIBYTE = 1 << 20


def fill(config: Config, entries: int) -> None:
    """Make a database with that many entries."""
    ListStore(config.database_url).add(ListName.BLACKLIST_IP, "192.0.2.7", "", by="ann")
    insert = "INSERT INTO list_entry (list, domain, value, added_by, added_at, expires_at, note)"
    values = "VALUES (?, ?, ?, 'ann', '2024-01-01 00:00:00.000000', ?, '')"
    ends = "2099-01-01 00:00:00.000000"
    with sqlite3.connect(config.state_directory / "tamis.db") as connection:
        for number in range(entries // 2):
            address = str(ipaddress.IPv4Address(0x0A000000 + number))
            connection.execute(f"{insert} {values}", ["blacklist_ip", "", address, ends])
            domain = f"customer{number % 2000}.example" if number % 4 else ""
            connection.execute(f"{insert} {values}", ["whitelist_sender", domain, sender(number), None])


def sender(number: int) -> str:
    return f"user{number}@sender{number % 5000}.example"


def own_memory() -> float:
    """Return how many MiB this process has for itself alone."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def peak_memory() -> float:
    """Return the most MiB that this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build(config: Config, _: int) -> dict[str, float]:
    """Do as the keeper does."""
    before, began, busy = peak_memory(), time.perf_counter(), time.process_time()
    SnapshotTask(config).run()
    return {
        "keeper, s": time.perf_counter() - began,
        "its CPU, s": time.process_time() - busy,
        "its peak, MiB": peak_memory() - before,
        "file, MiB": snapshot_path(config).stat().st_size / MEBIBYTE,
    }


def serve(config: Config, entries: int, in_memory: bool, together: Any) -> dict[str, float]:
    """Do as a worker does: take up the lists, and ask them."""
    source = DatabaseLists(config) if in_memory else SnapshotLists(config)
    before, began = own_memory(), time.process_time()
    lists = source.fresh()
    opened = time.process_time() - began
    assert lists is not None
    found = {"open, ms": 1000 * opened, **asked(lists, entries)}
    together.wait()
    found["own, MiB"] = own_memory() - before
    together.wait()
    return found


def asked(lists: Lists, entries: int) -> dict[str, float]:
    """Return the microseconds of each kind of question."""
    now, choose = datetime.now(UTC), random.Random(1)
    numbers = [choose.randrange(entries // 2) for _ in range(ASKED)]
    listed = [ipaddress.IPv4Address(0x0A000000 + number) for number in numbers]
    others = [ipaddress.IPv4Address(0xC0000000 + number) for number in numbers]
    ip = partial(lists.match_ip, ListName.BLACKLIST_IP, "", now=now)
    mail = partial(lists.match_address, ListName.WHITELIST_SENDER, "", now=now)
    return {
        "address listed, µs": each(ip, listed, True),
        "address not, µs": each(ip, others, False),
        "sender listed, µs": each(mail, [sender(number // 4 * 4) for number in numbers], True),
        "sender not, µs": each(mail, [f"user{number}@mail.other.example" for number in numbers], False),
    }


def each(ask: Callable[[Any], object], about: list[Any], expected: bool) -> float:
    began = time.process_time()
    for one in about:
        assert bool(ask(one)) is expected
    return 1e6 * (time.process_time() - began) / len(about)


def measure(entries: int) -> list[tuple[str, dict[str, float]]]:
    """Return what was measured for the snapshot, and for lists in each worker's own memory."""
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        config = parse(f'[daemon]\nstate_directory = "{folder}"\n', "")
        fill(config, entries)
        (mapped,) = alone(1, build, config, entries)
        with multiprocessing.Manager() as manager:
            together = manager.Barrier(WORKERS)
            serving = alone(WORKERS, serve, config, entries, False, together)
            mapped |= {key: sum(one[key] for one in serving) / WORKERS for key in serving[0]}
            (loaded,) = alone(1, serve, config, entries, True, manager.Barrier(1))
    return [("snapshot", mapped), ("in memory", loaded)]


def alone(processes: int, run: Callable[..., dict[str, float]], *arguments: Any) -> list[dict[str, float]]:
    """Run something in so many new processes at once, and return what each returned."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return [waiting.get() for waiting in [pool.apply_async(run, arguments) for _ in range(processes)]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entries", nargs="*", type=int, default=[1_000, 100_000, 1_000_000])
    table = Table(box=None)
    columns = [
        *("keeper, s", "its CPU, s", "its peak, MiB", "file, MiB", "open, ms", "own, MiB"),
        *("address listed, µs", "address not, µs", "sender listed, µs", "sender not, µs"),
    ]
    for name in ("entries", "lists", *columns):
        table.add_column(name, justify="left" if name == "lists" else "right")
    for entries in parser.parse_args().entries:
        for name, found in measure(entries):
            cells = [f"{found[column]:,.1f}" if column in found else "" for column in columns]
            table.add_row(f"{entries:,}", name, *cells)
    Console(soft_wrap=True, width=200).print(table)


if __name__ == "__main__":
    main()
