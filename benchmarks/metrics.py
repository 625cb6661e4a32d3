"""What counting costs a worker for each message, and what writing and adding up the counts costs."""

import argparse
import statistics as figures
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.history import MAIL
from tamis.config import Config
from tamis.engine import Engine
from tamis.mail import Mail, parse_ip
from tamis.message import Message
from tamis.metrics.exposition import text
from tamis.metrics.shared import CountsFile, collect
from tamis.metrics.tally import Tally
from tamis.settings import Settings


def measure(what: str, run: Callable[[], object], times: int) -> None:
    took = []
    for _ in range(times):
        began = time.perf_counter_ns()
        run()
        took.append((time.perf_counter_ns() - began) / 1000)
    took.sort()
    print(f"{what:<42} median {figures.median(took):7.1f} µs, 95th percentile {took[int(times * 0.95)]:7.1f} µs")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    engine = Engine(Config(Settings()), network=False)
    record = engine.examine(
        Mail(Message(MAIL), parse_ip("192.0.2.7"), "mail.example.net", "mail.example.net", "ann@example.net",
             ["bob@example.org"])
    )  # fmt: skip
    tally = Tally()
    measure(f"counting a message ({len(record.answers)} rows asked)", lambda: tally.concluded(record, "250"), 5000)
    with tempfile.TemporaryDirectory() as folder:
        files = [CountsFile(Path(folder) / "metrics", f"worker{number}") for number in range(8)]
        for file in files:
            file.write(tally.counters(), {})
        measure("writing the counts, twice a second", lambda: files[0].write(tally.counters(), {}), 500)
        measure("an answer to Prometheus, of 8 workers", lambda: text(collect(Path(folder) / "metrics").counters), 200)


if __name__ == "__main__":
    main()
