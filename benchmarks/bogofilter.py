"""bogofilter on the same mail by the same protocols, for the table in docs/classifier.md.

    python -m benchmarks.bogofilter --index INDEX [--train-index INDEX] [--scores OUT.tsv]

Debian's package (bogofilter-bdb, or -sqlite) must be installed; its word list is made in a temporary folder. With
--train-index that is learned first and nothing else (batch); without, each message is scored and then learned (online).
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from tamis.models.corpus import Entry, entries_of
from tamis.models.evaluation import Scored, measure_scored, write_scores

THRESHOLD = 0.99
"""bogofilter's own default for spam (spam_cutoff)."""


def ask(folder: str, raw: bytes) -> float:
    """How likely spam bogofilter takes a message for."""
    done = subprocess.run(["bogofilter", "-d", folder, "-T"], input=raw, capture_output=True, check=False)
    words = done.stdout.split()
    # An empty word list is an error to it, and knows nothing.
    return float(words[1]) if len(words) > 1 else 0.5


def teach(folder: str, raw: bytes, spam: bool) -> None:
    """Let bogofilter learn a message."""
    subprocess.run(["bogofilter", "-d", folder, "-s" if spam else "-n"], input=raw, check=True)


def run(folder: str, entries: list[Entry], first: list[Entry] | None) -> Iterator[Scored]:
    """Yield bogofilter's score of each message."""
    for entry in first or ():
        teach(folder, entry.read(), entry.spam)
    for entry in entries:
        raw = entry.read()
        yield Scored(entry.spam, ask(folder, raw), entry.name)
        if first is None:
            teach(folder, raw, entry.spam)


def main() -> int:
    """Measure, and print the same lines as `tamis evaluate`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--train-index")
    parser.add_argument("--scores")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first = entries_of(args.train_index) if args.train_index else None
        scored = list(run(folder, entries_of(args.index), first))
    if args.scores:
        with open(args.scores, "w", encoding="utf-8", errors="surrogateescape") as file:
            write_scores(scored, file)
    print("\n".join(measure_scored(scored, THRESHOLD).lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
