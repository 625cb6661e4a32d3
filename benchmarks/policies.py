"""What many policies cost: to be written by the keeper, opened by a worker, and asked for with each recipient.

    .venv/bin/python benchmarks/policies.py [POLICIES ...]

Half of the policies are of addresses, half of domains, in an SQLite file in a temporary folder; they choose a mode, a
level and a filter, each of them one of some hundred different choices. Times are those of the processor, but for the
first. Prints one table; takes some seconds.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from tamis.config import Config, parse
from tamis.policy import Policies
from tamis.policy_store import PolicyStore, policies_task
from tamis.policy_texts import MappedTextSource
from tamis.snapshot import policies_path

ASKED = 5000
MEBIBYTE = 1 << 20
MODES = ("quarantine", "tag", "junk", "observe")


def fill(config: Config, count: int) -> None:
    """Make a database with that many policies."""
    PolicyStore(config.database_url).set("", {"language": "fr"}, "ann")
    rows = []
    for number in range(count):
        domain = f"customer{number // 2}.example"
        owner = f"user{number % 50}@{domain}" if number % 2 else domain
        chosen = {"mode": MODES[number % 4], "level": 6.0, "junk_days": number % 30, "filters.cyrillic.enabled": True}
        rows.append((owner, domain, msgspec.json.encode(chosen).decode()))
    with sqlite3.connect(config.state_directory / "tamis.db") as connection:
        query = (
            "INSERT INTO policy (owner, domain, chosen, changed_by, changed_at) VALUES (?, ?, ?, 'ann', '2026-01-01')"
        )
        connection.executemany(query, rows)


def measure(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        config = parse(f'[daemon]\nstate_directory = "{folder}"\n', "")
        fill(config, count)
        path = policies_path(config)
        began, busy = time.perf_counter(), time.process_time()
        policies_task(config).run()
        found = {"keeper, s": time.perf_counter() - began, "its CPU, s": time.process_time() - busy}
        found["file, MiB"] = path.stat().st_size / MEBIBYTE
        busy = time.process_time()
        texts = MappedTextSource(config).fresh()
        assert texts is not None
        policies = Policies(config, texts)
        found["open, ms"] = 1000 * (time.process_time() - busy)
        choose = random.Random(1)
        numbers = [choose.randrange(max(1, count // 2)) for _ in range(ASKED)]
        with_own = [f"user{(2 * number + 1) % 50}@customer{number}.example" for number in numbers]
        found["own policy, µs"] = each(policies, with_own)
        found["again, µs"] = each(policies, with_own)
        found["of the domain, µs"] = each(policies, [f"other@customer{number}.example" for number in numbers])
        found["of nobody, µs"] = each(policies, [f"user@elsewhere{number}.example" for number in numbers])
        return found


def each(policies: Policies, recipients: Sequence[str]) -> float:
    busy = time.process_time()
    for one in recipients:
        policies.for_recipient(one)
    return 1e6 * (time.process_time() - busy) / len(recipients)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", nargs="*", type=int, default=[10, 1_000, 100_000])
    measured = [(count, measure(count)) for count in parser.parse_args().policies]
    table = Table(box=None)
    for name in ("policies", *measured[0][1]):
        table.add_column(name, justify="right")
    for count, found in measured:
        table.add_row(f"{count:,}", *(f"{value:,.1f}" for value in found.values()))
    Console(soft_wrap=True, width=200).print(table)


if __name__ == "__main__":
    main()
