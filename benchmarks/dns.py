"""What twenty lookups for one message cost, against the two limits: `python -m benchmarks.dns`.

The server runs in a process of its own on loopback, so that its time is not counted. CPU is that of all threads of
this process, from making the questions to having the answers, and storing them in Redis where that is in use.
"""

import argparse
import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tamis.dns import Question
from tamis.dns.lookups import Lookups
from tamis.dns.resolver import Resolver
from tamis.dns.servers import Address
from tamis.dns.shared import Shared
from tamis.redis_client import RedisClient

LOOKUPS = 20
CPU_MILLISECONDS = 2.0
WALL_MILLISECONDS = 150.0
DELAY = 0.1


@contextlib.contextmanager
def server(delay: float, names: int) -> Iterator[Address]:
    command = [sys.executable, "-m", "tests.dns_server", str(delay), str(names)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Address("127.0.0.1", int(process.stdout.readline()))
        process.terminate()


@contextlib.contextmanager
def redis() -> Iterator[RedisClient | None]:
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", folder]
        with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
            while not path.exists():
                time.sleep(0.01)
            client = RedisClient(f"unix://{path}")
            yield client
            client.close()
            process.terminate()


def one_message(resolver: Resolver, number: int) -> None:
    """Twenty names that no other number has; they must have been answered."""
    names = (f"host{number * LOOKUPS + place}.example" for place in range(LOOKUPS))
    answers = Lookups(resolver).ask([Question(name) for name in names])
    assert all(answer.records == ("192.0.2.1",) for answer in answers), answers
    resolver.flush(50)  # As the engine does.


def measure(resolver: Resolver, rounds: int) -> tuple[float, float, float]:
    """Return median and mean of the CPU time, and the median of the wall time, in milliseconds."""
    cpu, wall = [], []
    for number in range(rounds):
        began_cpu, began = time.process_time(), time.perf_counter()
        one_message(resolver, number)
        cpu.append(time.process_time() - began_cpu)
        wall.append(time.perf_counter() - began)
    return 1000 * statistics.median(cpu), 1000 * statistics.mean(cpu), 1000 * statistics.median(wall)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dns", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="messages for each line (default: %(default)s)")
    parser.add_argument("--without-redis", action="store_true", help="leave out the lines with Redis")
    given = parser.parse_args()
    rounds = given.rounds
    names = rounds * LOOKUPS
    found: list[tuple[str, float, float, float]] = []
    with contextlib.nullcontext() if given.without_redis else redis() as client:
        for delay, text in ((0.0, "at once"), (DELAY, f"after {1000 * DELAY:.0f} ms")):
            turns = min(rounds, 50) if delay else rounds
            with server(delay, names) as address:
                shared = Shared(client, [address]) if client else None
                for cache, how in ((None, ""), (shared, ", with Redis"))[: 2 if shared else 1]:
                    resolver = Resolver([address], shared=cache)
                    found.append((f"fresh, answered {text}{how}", *measure(resolver, turns)))
                    if cache is None:
                        found.append(("again, from memory", *measure(resolver, turns)))
                    resolver.close()
                if shared is not None:
                    other = Resolver([address], shared=shared)
                    found.append(("known to Redis alone", *measure(other, turns)))
                    other.close()
    print(f"{LOOKUPS} lookups for one message, medians of {rounds} messages (50 where each takes {DELAY} s)\n")
    print(f"{'':44}{'CPU ms':>8}{'mean':>7}{'wall ms':>9}")
    for text, cpu, mean, wall in found:
        print(f"{text:44}{cpu:8.2f}{mean:7.2f}{wall:9.1f}")
    fresh = [line for line in found if line[0].startswith("fresh")]
    cpu, wall = max(line[1] for line in fresh), max(line[3] for line in fresh)
    kept = cpu <= CPU_MILLISECONDS and wall <= WALL_MILLISECONDS
    print(f"\nlimits: CPU {CPU_MILLISECONDS} ms, wall {WALL_MILLISECONDS:.0f} ms: {'kept' if kept else 'NOT KEPT'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
