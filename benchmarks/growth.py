"""What a message costs when everything else grows: `python -m benchmarks.growth`.

Of each kind there is a small site and a large one, engines side by side in this process, each with a Redis of its own;
they get the same real mail (TAMIS_CORPORA) in turn, each message unseen, no network. Figures are microseconds of CPU a
message, those of this process and of Redis together, and the ratio of the two. At last a burst: 50 connections in the
same moment to a daemon whose name server takes 300 ms for every answer.
"""

import argparse
import contextlib
import logging
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import redis

from benchmarks.milter_client import Letter
from benchmarks.network_rows import letters, name_server, seconds_of
from benchmarks.peers.load import Figures, run, unique
from benchmarks.peers.products import Tamis
from benchmarks.rules import words
from benchmarks.snapshot import fill
from benchmarks.stages import examine, raw
from tamis import config as configuration
from tamis.config import Config
from tamis.engine import Engine, preload
from tamis.rules import sources as rule_sources
from tamis.rules.shipped import shipped_rules
from tamis.snapshot_task import SnapshotTask
from tamis.sources import Sources

_BURST: Final = 50
_SLOW_SECONDS: Final = 0.3


class Site:
    """An engine with lists of its own and a Redis of its own."""

    def __init__(self, folder: Path, settings: str = "", entries: int = 0) -> None:
        socket = folder / "redis.sock"
        server = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
        self._redis = subprocess.Popen(server, stdout=subprocess.DEVNULL)
        path = folder / "tamis.toml"
        path.write_text(
            f'[daemon]\nstate_directory = "{folder}"\nruntime_directory = "{folder}"\n'
            f'[dns]\nservers = ["127.0.0.1:1"]\n[policy]\nmode = "tag"\n'
            f"[policy.filters]\nocr.enabled = false\n{settings}"
        )
        began = time.process_time()
        self.config: Config = configuration.load(path)
        self.load_seconds = time.process_time() - began
        while not socket.exists():
            time.sleep(0.05)
        self.server = redis.Redis.from_url(f"unix://{socket}")
        if entries:
            fill(self.config, entries)
        SnapshotTask(self.config).run()
        rule_sources.preload(self.config)
        self.engine = Engine(self.config, f"unix://{socket}", Sources.kept(self.config), False, answers_at_once=100)
        self.engine.refresh()

    def seconds(self) -> float:
        return time.process_time() + sum(seconds_of(self._redis.pid).values())

    def close(self) -> None:
        self.engine.close()
        self.server.close()
        self._redis.terminate()
        self._redis.wait()


@contextlib.contextmanager
def site(settings: str = "", entries: int = 0) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="tamis-") as place:
        made = Site(Path(place), settings, entries)
        try:
            yield made
        finally:
            made.close()


def answers(server: "redis.Redis", number: int) -> None:
    """Put so many answers of other messages there."""
    chance = random.Random(1)
    for _ in range(0, number, 10_000):
        pipeline = server.pipeline(transaction=False)
        for _ in range(min(number, 10_000)):
            pipeline.set(b"tamis:answer:" + chance.randbytes(16), b"\x90", ex=3600)
        pipeline.execute()


def domains(number: int) -> str:
    return "".join(f'[domain."customer{n}.example"]\nlevel = {(6, 7.5, 9)[n % 3]}\n' for n in range(number))


def rules(folder: Path, number: int) -> str:
    """Write so many rules of the site; return the settings that name them."""
    chance, known = random.Random(2), words()
    forms = (r"\\b{} {}\\b", r"\\b{}\\b.{{0,60}}\\b{}\\b", r"\\b(?:{}|{}) (?:the |your )?{}")
    lines = (
        f'[rule.r{n}]\ndescription = "x"\nscore = 0.1\npatterns = ["{forms[n % 3].format(*chance.sample(known, 3))}"]\n'
        for n in range(number)
    )
    (folder / "growth.toml").write_text("".join(lines))
    return f'[rules]\nfiles = ["{folder / "growth.toml"}"]\n'


def compare(title: str, small: Site, large: Site, mail: Sequence[Letter]) -> None:
    """Print what a message costs at each."""
    costs: dict[Site, list[float]] = {small: [], large: []}
    order = [small, large]
    for start in range(0, len(mail), 25):
        for one in order:
            before = one.seconds()
            for letter in mail[start : start + 25]:
                examine(one.engine, letter, raw(letter), False)
            costs[one].append(1e6 * (one.seconds() - before) / len(mail[start : start + 25]))
        order.reverse()
    ratios = [b / a for a, b in zip(costs[small][1:], costs[large][1:], strict=True)]
    few, many = (statistics.median(costs[one][1:]) for one in (small, large))
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    print(f"| {title} | {few:.0f} | {many:.0f} | {spread} | {large.load_seconds:.1f} | {os.getloadavg()[0]:.0f} |")


def burst(mail: Sequence[Letter]) -> None:
    """Print how long a burst takes beside slow DNS."""
    with name_server(_SLOW_SECONDS) as port, Tamis(port, False) as product:
        run(product, unique(mail[:10], "first"), 2, Figures(), None)
        for number in range(3):
            figures = Figures()
            run(product, unique(mail[10 : 10 + _BURST], f"burst-{number}"), _BURST, figures, None)
            middle, last = statistics.median(figures.waits), max(figures.waits)
            said = dict(figures.answers)
            begun = f"{_BURST} connections at once, DNS takes {_SLOW_SECONDS:g} s"
            print(
                f"{begun}: half within {middle:.2f} s, all within {last:.2f} s; {said}, load {os.getloadavg()[0]:.0f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("-n", "--number", type=int, default=500, help="messages (default: 500)")
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--policies", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rules", type=int, default=1000)
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    mail = letters(Path(os.environ["TAMIS_CORPORA"]), args.number)
    preload(configuration.parse("", "growth"))
    print(
        "| what grows | few: µs | many: µs | many over few | configuration read in, s | load |\n"
        "|---|---|---|---|---|---|"
    )
    steps: list[tuple[str, Callable[[contextlib.ExitStack], Site]]] = [
        (f"cached answers, 1 to {args.answers:,}", lambda stack: _with_answers(stack, args.answers)),
        (f"policies, 1 to {args.policies:,}", lambda stack: stack.enter_context(site(domains(args.policies)))),
        (f"list entries, 0 to {args.entries:,}", lambda stack: stack.enter_context(site("", args.entries))),
        (f"rules, {len(shipped_rules())} to {args.rules:,}", lambda stack: _with_rules(stack, args.rules)),
    ]
    for title, large in steps:
        with contextlib.ExitStack() as stack:
            compare(title, stack.enter_context(site(domains(1))), large(stack), mail)
    burst(mail)


def _with_answers(stack: contextlib.ExitStack, number: int) -> Site:
    made = stack.enter_context(site(domains(1)))
    answers(made.server, number)
    return made


def _with_rules(stack: contextlib.ExitStack, number: int) -> Site:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tamis-")))
    return stack.enter_context(site(rules(folder, number - len(shipped_rules()))))


if __name__ == "__main__":
    main()
