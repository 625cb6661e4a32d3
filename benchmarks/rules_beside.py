"""What the rules cost here and in another tree of the sources, such as an older version, in turn.

    git worktree add /tmp/before TAG
    TAMIS_CORPORA=/path/to/corpora .venv/bin/python -m benchmarks.rules_beside /tmp/before

Two processes, asked for the same texts one after the other, so that both meet the same load: real messages of the
corpora, parsed beforehand, and random words of them. Microseconds of processor time for one message: the least and the
median of some rounds, and the median of the ratios of the rounds.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

MESSAGES: Final = 700
SIZES: Final = (2_000, 10_000, 50_000, 120_000)
TEXTS: Final = 12
"""Texts of each size."""


def measures() -> dict[str, Callable[[], float]]:
    """Return by name what runs the rules of the tree that is imported, and returns the microseconds."""
    import tamis
    from benchmarks.network_rows import letters
    from benchmarks.stages import raw
    from tamis.message import Message
    from tamis.rules.matching import Rules
    from tamis.rules.shipped import shipped_rules

    assert Path(tamis.__file__).is_relative_to(Path.cwd()), "each process imports its own tree"
    started = time.process_time()
    rules = Rules(shipped_rules())
    compiled = 1e6 * (time.process_time() - started)
    messages = [Message(raw(one)) for one in letters(Path(os.environ["TAMIS_CORPORA"]), MESSAGES)]
    for message in messages:
        _ = message.text, message.urls, message.subject, message.headers, message.text_parts
    known = " ".join(message.text for message in messages).split()
    chance = random.Random(1)
    texts = {size: [" ".join(chance.choices(known, k=size // 6))[:size] for _ in range(TEXTS)] for size in SIZES}

    def timed(run: Callable[[], object], number: int) -> float:
        begun = time.process_time()
        run()
        return 1e6 * (time.process_time() - begun) / number

    found = {"compiling": lambda: compiled}
    found["real mail"] = lambda: timed(lambda: [rules.look_at(one).everything() for one in messages], len(messages))
    for size in SIZES:
        found[f"{size:,} characters"] = lambda size=size: timed(  # type: ignore[misc]
            lambda: [rules.match("text", [one]) for one in texts[size]], TEXTS
        )
    return found


def serve() -> None:
    """Answer each name that comes in on a line by its microseconds."""
    known = measures()
    print(*known, sep="\t", flush=True)
    for line in sys.stdin:
        print(known[line.strip()](), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", nargs="?", type=Path, help="the other tree")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    if given.other is None:
        serve()
        return
    here = Path(__file__).resolve()
    both = []
    for tree in (given.other.resolve(), here.parents[1]):
        path = {**os.environ, "PYTHONPATH": str(tree)}
        command = [sys.executable, "-P", str(here)]
        both.append(subprocess.Popen(command, cwd=tree, env=path, stdin=-1, stdout=-1, text=True))
    names, _ = (_line(one).split("\t") for one in both)
    table = Table(box=None)
    for column in ("µs", "before: least", "median", "now: least", "median", "now over before"):
        table.add_column(column, justify="left" if column == "µs" else "right", no_wrap=True)
    for name in names:
        times: tuple[list[float], list[float]] = [], []
        for number in range(given.rounds if name != "compiling" else 1):
            for which in (0, 1) if number % 2 else (1, 0):
                times[which].append(_asked(both[which], name))
        cells = [f"{of(some):,.0f}" for some in times for of in (min, statistics.median)]
        ratio = statistics.median(now / before for before, now in zip(*times, strict=True))
        table.add_row(name, *cells, f"{ratio:.2f}")
    for one in both:
        one.communicate()
    Console(width=120).print(table)


def _asked(process: "subprocess.Popen[str]", name: str) -> float:
    assert process.stdin is not None
    process.stdin.write(f"{name}\n")
    process.stdin.flush()
    return float(_line(process))


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


if __name__ == "__main__":
    main()
