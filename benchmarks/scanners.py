"""What scanners cost a message, cached and not: `python -m benchmarks.scanners` (needs clamd, spamd, redis-server).

Milliseconds of the engine, one message after the other: the shortest of all, since the machine may be busy, and the
median of our own process's time. clamd has one signature: with the millions of ClamAV's own it takes longer, which is
its own time and not ours.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tamis.config import parse
from tamis.engine import Engine
from tamis.mail import Mail
from tamis.testing import mail
from tests.redis_server import Server
from tests.scanner_servers import Clamd, Spamd

LINE = "a line of a text that is long enough to be one of a message\n"
SIZES = {"5 KB": 80, "100 KB": 1700, "3 MB": 50_000}


def letter(lines: int, number: int) -> Mail:
    return mail(f"From: Ann <ann@sender.example>\nSubject: minutes {number}\n\n{LINE * lines}")


def repeated(lines: int) -> Callable[[int], Mail]:
    """The same letter each time."""
    return lambda _: letter(lines, -1)


def measure(engine: Engine, rounds: int, made: Callable[[int], Mail]) -> str:
    wall, cpu = [], []
    for number in range(rounds):
        message = made(number)
        began, processor = time.perf_counter(), time.process_time()
        engine.examine(message)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - processor)
    return f"{1000 * min(wall):9.2f}{1000 * statistics.median(cpu):9.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scanners", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="messages for each line (default: %(default)s)")
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    redis = Server(folder)
    try:
        with Clamd(number=1) as first, Clamd(number=1) as second, Spamd() as spamd:
            one = f'[clamd.a]\nendpoints = ["{first.endpoint}"]\n'
            both = f'{one}[clamd.b]\nendpoints = ["{second.endpoint}"]\nstage = 2\n'
            sites = {
                "no scanner": "",
                "one clamd": one,
                "two clamd, two stages": both,
                "SpamAssassin": f'[spamd]\nendpoints = ["{spamd.endpoint}"]\n',
            }
            print(f"{'':34}{'fresh':>9}{'CPU':>9}{'cached':>9}{'CPU':>9}")
            for name, sections in sites.items():
                toml = f'[daemon]\nstate_directory = "{folder}"\n[dns]\nservers = ["127.0.0.1:1"]\n{sections}'
                engine = Engine(parse(toml, "x"), redis.url)
                assert engine._scanners is not None
                engine._scanners.probe()
                for size, lines in SIZES.items():
                    if name == "SpamAssassin" and lines > 5000:
                        continue  # Larger than it is shown.
                    redis.reset()
                    fresh = measure(engine, rounds, partial(letter, lines))
                    cached = measure(engine, rounds, repeated(lines))
                    print(f"{name:26}{size:>8}{fresh}{cached}", flush=True)
                engine._resolver.close()
    finally:
        redis.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
