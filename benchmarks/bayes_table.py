"""The classifier beside bogofilter and rspamd's Bayes: the table of docs/classifier.md.

    TAMIS_CORPORA=/path/to/corpora python -m benchmarks.bayes_table [--number N] [--install]

The first N messages of trec07p-first20k (10,000) are taught, the next N scored. --install has apt-get install what is
missing from Debian, as root; no service is started. bogofilter and rspamd are what `benchmarks.bogofilter` and
`benchmarks.rspamd_bayes` make of them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import bogofilter, rspamd_bayes
from benchmarks.classifier import HALF, TREC, Mail, batch
from tamis.models.corpus import Entry, entries_of
from tamis.models.evaluation import Scored, measure_scored
from tamis.models.points import MIDDLE_LEVEL
from tamis.models.stream import Stream

PACKAGES: Final = {"bogofilter": "bogofilter", "rspamd": "rspamd", "redis-server": "redis-server"}
"""Debian's packages, and a program of each."""
RSPAMD_THRESHOLD: Final = 0.5


def install() -> None:
    """Install what is missing. Raises CalledProcessError, or OSError where we are not root."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [package for package, program in PACKAGES.items() if shutil.which(program, path=path) is None]
    if not missing:
        return
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        # What packages ask before they start a service (Debian's invoke-rc.d).
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing], check=True)
    finally:
        if ours:
            policy.unlink()


def line(name: str, scored: list[Scored], threshold: float, *, counts: bool = False) -> str:
    """One line of the table."""
    one = measure_scored(scored, threshold, counts=counts)
    cells = (
        f"{100 * one.one_minus_roc_area:.4f}",
        f"{100 * one.spam_missed_at[0.001]:.2f}",
        f"{100 * one.ham_misfiled:.3f} / {100 * one.spam_missed:.2f}",
    )
    return f"| {name} | {' | '.join(cells)} |"


def lines(folder: Path, number: int) -> Iterator[str]:
    """Yield the table, each line when it is measured."""
    entries: list[Entry] = entries_of(folder / TREC)[: 2 * number]
    first, asked = entries[:number], entries[number:]
    with Stream() as stream:
        found = batch(Mail(stream, folder, [TREC]), number)
    yield "| | 1-ROCA % | spam missed at 0.1 % ham misfiled, % | at its threshold: ham misfiled / spam missed % |"
    yield "|---|---|---|---|"
    yield line("Tamis, both layers", found, MIDDLE_LEVEL)
    yield line("Tamis, counts alone", found, MIDDLE_LEVEL, counts=True)
    with tempfile.TemporaryDirectory() as words:
        yield line("bogofilter", list(bogofilter.run(words, asked, first)), bogofilter.THRESHOLD)
    for name, learn_all in (("rspamd as Debian has it", False), ("rspamd, everything learned", True)):
        with rspamd_bayes.Rspamd(learn_all) as rspamd:
            yield line(name, list(rspamd_bayes.run(rspamd, asked, first)), RSPAMD_THRESHOLD)


def main() -> int:
    """Measure, and print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=HALF, metavar="N")
    parser.add_argument("--install", action="store_true", help="install what is missing from Debian")
    args = parser.parse_args()
    if args.install:
        install()
    for one in lines(Path(os.environ["TAMIS_CORPORA"]), args.number):
        print(one, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
