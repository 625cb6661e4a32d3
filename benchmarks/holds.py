"""How many messages a second are held, durably: one and several processes, 1 to 32 that wait at the same moment."""

import argparse
import multiprocessing
import os
import statistics as figures
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

from benchmarks.databases import KINDS, database, new_store
from benchmarks.held_mail import mails, new
from tamis.quarantine.holder import Holder
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store

CONCURRENT = (1, 8, 32)
PROCESSES = (1, 2)


def fsync_milliseconds(folder: str, octets: int = 4096, times: int = 100) -> list[float]:
    """Return how long it takes to make a small new file durable, the shortest first."""
    taken = []
    for _ in range(times):
        descriptor, name = tempfile.mkstemp(dir=folder)
        os.write(descriptor, b"x" * octets)
        start = time.perf_counter()
        os.fsync(descriptor)
        taken.append(1000 * (time.perf_counter() - start))
        os.close(descriptor)
        os.unlink(name)
    return sorted(taken)


def hold(holder: Holder, spool: Spool, seconds: float, size: int, seed: int, taken: list[float]) -> None:
    """Hold one message after the other, as one SMTP session does, and note how long each took."""
    end = time.perf_counter() + seconds
    for mail, verdicts, octets in mails(1_000_000, size, seed):
        start = time.perf_counter()
        if start >= end:
            return
        message = new(spool, mail, verdicts, octets)
        holder.hold(message).result(60)
        taken.append(time.perf_counter() - start)
        message.incoming.discard()


def process(
    url: str, spool: Path, seconds: float, concurrent: int, size: int, seed: int, start: Barrier, results: str
) -> None:
    """Hold with so many threads, and write what each message took into a file."""
    store = Store(url, Spool(spool))
    store.engine()
    holder = Holder(store)
    taken: list[float] = []
    start.wait()
    with ThreadPoolExecutor(concurrent) as threads:
        seeds = range(seed, seed + concurrent)
        for done in [threads.submit(hold, holder, store.spool, seconds, size, one, taken) for one in seeds]:
            done.result()
    Path(results).write_text("\n".join(map(repr, taken)), "ascii")


def measure(kind: str, where: str, seconds: float, concurrent: int, processes: int, size: int) -> None:
    """Print one line: so many processes, each with a share of those that wait."""
    context = multiprocessing.get_context("fork")
    with database(kind, where) as (url, spool), tempfile.TemporaryDirectory() as results:
        new_store(url, spool).engine().dispose()
        start = context.Barrier(processes)
        share = concurrent // processes
        running = [
            context.Process(
                target=process,
                args=(url, spool, seconds, share, size, 1000 * number, start, f"{results}/{number}"),
            )
            for number in range(processes)
        ]
        for one in running:
            one.start()
        for one in running:
            one.join()
        if any(one.exitcode for one in running):
            raise SystemExit("a process failed")
        taken = sorted(float(line) for path in Path(results).iterdir() for line in path.read_text("ascii").split())
    late = taken[int(0.99 * (len(taken) - 1))]
    print(
        f"{kind:<10} {processes} process{'es' if processes > 1 else '  '} {concurrent:>3} at once: "
        f"{len(taken) / seconds:7.0f} a second, each {1000 * figures.median(taken):6.1f} ms, "
        f"99 of 100 within {1000 * late:6.1f} ms",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.holds", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each measurement takes (default: 10)")
    parser.add_argument("--size", type=int, default=10_000, help="octets of a message (default: 10000)")
    parser.add_argument("--only", choices=KINDS, help="this database alone")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where, on the disk that is to be measured")
    args = parser.parse_args()
    taken = fsync_milliseconds(args.folder)
    print(f"fsync of 4096 octets: {figures.median(taken):.2f} ms, 99 of 100 within {taken[98]:.2f} ms")
    for kind in [args.only] if args.only else KINDS:
        for processes in PROCESSES:
            for concurrent in CONCURRENT:
                if concurrent >= processes:
                    measure(kind, args.folder, args.seconds, concurrent, processes, args.size)


if __name__ == "__main__":
    main()
