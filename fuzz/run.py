"""Fuzz what reads the wire: `python -m fuzz.run --minutes N [TARGET...]`, the time shared among the targets.

Each target runs in a process of its own, one after the other. Prints a line for each: how many inputs it tried, how
many of them reached something new, and findings. Exit status 1 with any. A finding that has been mended belongs into
fuzz/found/TARGET, where a test tries it for ever.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fuzz.seeds import seeds
from fuzz.targets import TARGETS

ROOT: Final = Path(__file__).resolve().parents[1]
_LARGEST: Final = 64 * 1024
_MEBIBYTES: Final = 2048


@dataclass(frozen=True)
class Outcome:
    """What became of one target; `said` is what the fuzzer said of a finding."""

    name: str
    tried: int
    kept: int
    findings: tuple[Path, ...]
    said: str

    def __str__(self) -> str:
        return f"{self.name:12} {self.tried:>10,} inputs {self.kept:>6,} kept {len(self.findings):>3} findings"


def fuzz(name: str, seconds: float, corpus: Path, nice: int = 10, seed: int = 0) -> Outcome:
    """Fuzz one target for so many seconds, starting from the seeds and what is in `corpus` already.

    `seed` makes the order of what is tried the same each time; 0 is another one each time.
    """
    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    for octets in seeds(name):
        (folder / hashlib.sha1(octets, usedforsecurity=False).hexdigest()).write_bytes(octets)
    options = [
        f"-max_total_time={max(1, int(seconds))}",
        f"-max_len={_LARGEST}",
        f"-rss_limit_mb={_MEBIBYTES}",
        f"-seed={seed}",
        "-print_final_stats=1",
    ]
    with tempfile.TemporaryDirectory(prefix="tamis-fuzz-") as scratch:
        done = subprocess.run(
            ["nice", "-n", str(nice), sys.executable, "-m", "fuzz.one", name, str(folder), *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "TMPDIR": scratch},
            capture_output=True,
            text=True,
            errors="replace",
        )
    tried = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    findings = tuple(sorted(corpus.glob(f"{name}-finding-*")))
    said = "" if done.returncode == 0 else done.stdout[-3000:] + done.stderr[-3000:]
    return Outcome(name, int(tried.group(1)) if tried else 0, len(list(folder.iterdir())), findings, said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all together (default: 10)")
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was learned for the next run")
    arguments = parser.parse_args()
    names = arguments.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    corpus = arguments.corpus or Path(tempfile.mkdtemp(prefix="tamis-fuzz-"))
    failed = False
    for name in names:
        outcome = fuzz(name, arguments.minutes * 60 / len(names), corpus)
        print(outcome, flush=True)
        if outcome.said or outcome.findings:
            failed = True
            print(outcome.said, *outcome.findings, sep="\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
