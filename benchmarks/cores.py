"""How much more mail a second with each core: `python -m benchmarks.cores`, for the table of docs/performance.md.

For one core, two, and so on a daemon is started that may use no others, with a worker for each. All of them are sent
the same real mail (TAMIS_CORPORA) in turn, by eight clients, which may use all cores: they are in the way of the last
daemon alone. Each message is one that nobody has seen, and there is no network.
"""

import argparse
import contextlib
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.network_rows import letters, seconds_of, send_all
from benchmarks.peers.load import unique
from tamis.postfix.served import RunningTamis

SETTINGS = '[policy]\nmode = "tag"\n[policy.filters]\nocr.enabled = false\n[log]\nlevel = "warning"\n'


@contextlib.contextmanager
def running_on(cores: set[int]) -> Iterator[RunningTamis]:
    """A daemon that may use these cores, with a worker for each."""
    all_cores = os.sched_getaffinity(0)
    with contextlib.ExitStack() as stack:
        os.sched_setaffinity(0, cores)
        try:
            tamis = stack.enter_context(RunningTamis(SETTINGS, daemon=f"workers = {len(cores)}"))
        finally:
            os.sched_setaffinity(0, all_cores)
        yield tamis


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cores", description=__doc__)
    parser.add_argument("-n", "--number", type=int, default=400, help="messages in each round (default: 400)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    args = parser.parse_args()
    if "TAMIS_CORPORA" not in os.environ:
        parser.error("TAMIS_CORPORA has to name the folder of the corpora")
    mail = letters(Path(os.environ["TAMIS_CORPORA"]), args.number)
    cores = sorted(os.sched_getaffinity(0))
    rates: dict[int, list[float]] = {count: [] for count in range(1, len(cores) + 1)}
    spent: dict[int, list[float]] = {count: [] for count in rates}
    with contextlib.ExitStack() as stack:
        running = {count: stack.enter_context(running_on(set(cores[:count]))) for count in rates}
        for number in range(args.rounds + 1):
            for count, tamis in running.items():
                assert tamis.process is not None
                before = sum(seconds_of(tamis.process.pid).values())
                seconds, answers, _ = send_all(int(tamis.milter.rpartition(":")[2]), unique(mail, f"{number}-{count}"))
                assert sum(answers.values()) == len(mail)
                if number:  # The first round fills what is filled once.
                    rates[count].append(len(mail) / seconds)
                    spent[count].append(1e3 * (sum(seconds_of(tamis.process.pid).values()) - before) / len(mail))
    print(f"load {os.getloadavg()[0]:.1f}\n")
    print("| cores | messages a second | CPU, ms | over one core's |\n|---|---|---|---|")
    for count, found in rates.items():
        over = [one / first for one, first in zip(found, rates[1], strict=True)]
        print(f"| {count} | {_spread(found, 0)} | {statistics.median(spent[count]):.2f} | {_spread(over, 2)} |")
    return 0


def _spread(numbers: list[float], digits: int) -> str:
    low, middle, high = (f"{one:.{digits}f}" for one in (min(numbers), statistics.median(numbers), max(numbers)))
    return f"{middle} ({low}-{high})"


if __name__ == "__main__":
    sys.exit(main())
